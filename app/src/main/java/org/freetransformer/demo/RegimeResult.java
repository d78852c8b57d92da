package org.freetransformer.demo;

import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.run.Reports;
import org.jspecify.annotations.Nullable;

/**
 * One trained model of the demonstration, measured.
 *
 * @param regime which
 * @param parameters trained numbers
 * @param steps optimizer steps
 * @param seconds of training
 * @param evaluation on held-out sequences
 * @param study of what it writes
 */
public record RegimeResult(
    Regime regime,
    long parameters,
    long steps,
    double seconds,
    Evaluation evaluation,
    SampleStudy study) {

  /** What {@code results.json} says of it. */
  public Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("name", regime.folder());
    map.put("kappa", number(regime.kappa()));
    map.put("parameters", parameters);
    map.put("steps", steps);
    map.put("seconds", seconds);
    map.putAll(Reports.of(evaluation));
    map.put("start_spread_plan_each", number(study.freshSpread()));
    map.put("start_spread_shared_plan", number(study.sharedSpread()));
    map.put("noise_agreement_plan_each", number(study.freshNoise()));
    map.put("noise_agreement_shared_plan", number(study.sharedNoise()));
    map.put("possible_share", study.possible());
    map.put("samples_plan_each", study.fresh());
    map.put("samples_shared_plan", study.shared());
    return map;
  }

  /** JSON knows no NaN. */
  private static @Nullable Double number(double value) {
    return Double.isNaN(value) ? null : value;
  }
}
