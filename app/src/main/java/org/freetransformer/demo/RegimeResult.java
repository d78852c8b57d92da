package org.freetransformer.demo;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.run.Reports;
import org.freetransformer.run.TrainingReport;
import org.jspecify.annotations.Nullable;

/**
 * One trained model of the demonstration, measured.
 *
 * @param regime which
 * @param parameters trained numbers
 * @param steps optimizer steps
 * @param seconds of training
 * @param training what came of it, as {@link TrainingReport} tells it
 * @param evaluation on held-out sequences
 * @param study of what it writes
 */
public record RegimeResult(
    Regime regime,
    long parameters,
    long steps,
    double seconds,
    Map<String, @Nullable Object> training,
    Evaluation evaluation,
    SampleStudy study) {
  /** Copies the map. */
  public RegimeResult {
    training = Collections.unmodifiableMap(new LinkedHashMap<>(training));
  }

  /** What {@code results.json} says of it. */
  public Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("name", regime.folder());
    map.put("kappa", regime.kappa());
    map.put("parameters", parameters);
    map.put("steps", steps);
    map.put("seconds", seconds);
    map.put("trained_tokens", training.get("tokens")); // The others are what was evaluated.
    for (String key : List.of("loss", "tokens_per_second", "peak_bytes", "checkpoint")) {
      map.put(key, training.get(key));
    }
    map.putAll(Reports.of(evaluation));
    put(map, "plan_each", study.freshAgreement());
    put(map, "shared_plan", study.sharedAgreement());
    map.put("possible_share", study.possible());
    map.put("samples_plan_each", study.fresh());
    map.put("samples_shared_plan", study.shared());
    return map;
  }

  private static void put(
      Map<String, @Nullable Object> map, String plans, SampleStudy.Agreement agreement) {
    map.put("start_spread_" + plans, agreement.spread());
    map.put("starts_near_" + plans, agreement.near());
    map.put("noise_agreement_" + plans, agreement.noise());
  }
}
