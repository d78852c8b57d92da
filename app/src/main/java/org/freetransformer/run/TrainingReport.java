package org.freetransformer.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.checkpoint.Checkpoint;
import org.jspecify.annotations.Nullable;

/** What came of training, under the names that the command line's JSON gives it. */
public final class TrainingReport {
  private TrainingReport() {}

  /**
   * {@code steps, finished, tokens_per_second, peak_bytes, tokens, loss, reconstruction, kl,
   * nll_bound, checkpoint}, and what else there is to tell. Where no step was left to do, the last
   * step's figures are those that were logged, and null if there are none.
   *
   * @throws IOException if the run's metrics cannot be read
   */
  public static Map<String, @Nullable Object> of(TrainingRun.Outcome outcome, RunFolder folder)
      throws IOException {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    object.put("steps", outcome.steps());
    object.put("finished", outcome.finished());
    object.put("tokens_per_second", outcome.tokensPerSecond());
    object.put("peak_bytes", outcome.peakBytes());
    if (outcome.hostPeakBytes() > 0) {
      object.put("host_peak_bytes", outcome.hostPeakBytes());
    }
    if (outcome.last() != null) {
      object.put("tokens", outcome.last().tokens());
      object.put("loss", outcome.last().loss());
      object.put("reconstruction", outcome.last().reconstruction());
      object.put("kl", outcome.last().kl());
      object.put("nll_bound", outcome.last().nllBound());
    } else {
      putFormer(object, outcome.checkpoint(), folder);
    }
    if (outcome.rankWaits().size() > 1) {
      object.put("rank_waits", outcome.rankWaits());
    }
    if (outcome.evaluation() != null) {
      object.put("evaluation", Reports.of(outcome.evaluation()));
    }
    object.put(
        "checkpoint",
        outcome.checkpoint() == null ? null : outcome.checkpoint().folder().toString());
    return object;
  }

  private static void putFormer(
      Map<String, @Nullable Object> object, @Nullable Checkpoint last, RunFolder folder)
      throws IOException {
    List<JsonNode> metrics =
        Files.exists(folder.metrics()) ? MetricsFile.read(folder.metrics()) : List.of();
    JsonNode line = metrics.isEmpty() ? MissingNode.getInstance() : metrics.getLast();
    object.put("tokens", last == null ? null : last.state().tokens());
    for (String key : List.of("tokens_per_second", "loss", "reconstruction", "kl")) {
      object.put(key, MetricsFile.number(line, key));
    }
    object.put(
        "nll_bound", MetricsFile.number(line, "reconstruction") + MetricsFile.number(line, "kl"));
  }
}
