package org.freetransformer.compare;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.run.Median;
import org.freetransformer.run.MetricsFile;

/**
 * How fast a run was, from its {@code metrics.jsonl}: the median over the intervals between log
 * lines. That leaves out evaluations, saving, the first step's compilation, and the moments in
 * which the machine did something else.
 */
final class TrainingSpeed {
  private TrainingSpeed() {}

  /** Tokens per second; that of the whole run where it has fewer than two log lines. */
  static double of(Path metrics) throws IOException {
    List<JsonNode> lines = MetricsFile.read(metrics);
    List<Double> speeds = new ArrayList<>();
    for (int i = 1; i < lines.size(); i++) {
      double tokens = difference(lines, i, "tokens");
      double seconds = difference(lines, i, "time");
      if (tokens > 0 && seconds > 0) {
        speeds.add(tokens / seconds);
      }
    }
    if (speeds.isEmpty()) {
      return lines.isEmpty() ? 0 : lines.getLast().path("tokens_per_second").asDouble();
    }
    return Median.of(speeds);
  }

  private static double difference(List<JsonNode> lines, int i, String key) {
    return lines.get(i).path(key).asDouble() - lines.get(i - 1).path(key).asDouble();
  }
}
