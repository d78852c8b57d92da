package org.freetransformer.compare;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.freetransformer.run.MetricsFile;

/**
 * How a model's held-out bound fell during training, as a mean over its seeds.
 *
 * @param name of the model
 * @param steps ascending
 * @param bounds as many as steps
 */
record HeldOutCurve(String name, List<Double> steps, List<Double> bounds) {
  HeldOutCurve {
    steps = List.copyOf(steps);
    bounds = List.copyOf(bounds);
  }

  /** The mean over runs, at the steps that all of them were evaluated at. */
  static HeldOutCurve mean(String name, List<Path> evaluations) throws IOException {
    Map<Double, List<Double>> byStep = new TreeMap<>();
    for (Path file : evaluations) {
      for (JsonNode line : MetricsFile.read(file)) {
        byStep
            .computeIfAbsent(line.path("step").asDouble(), _ -> new ArrayList<>())
            .add(MetricsFile.number(line, "nll_bound"));
      }
    }
    byStep.values().removeIf(values -> values.size() < evaluations.size());
    return new HeldOutCurve(
        name,
        List.copyOf(byStep.keySet()),
        byStep.values().stream().map(values -> Range.of(values).mean()).toList());
  }
}
