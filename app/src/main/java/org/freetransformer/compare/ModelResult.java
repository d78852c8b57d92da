package org.freetransformer.compare;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * What one model gave over all seeds.
 *
 * @param contender which model
 * @param model its shape
 * @param seeds a result for each seed
 */
record ModelResult(Contender contender, ModelConfig model, List<SeedResult> seeds) {
  ModelResult {
    seeds = List.copyOf(seeds);
  }

  boolean hasPlan() {
    return model.kind() == ModelConfig.Kind.FREE;
  }

  /** The bound, which for a model without a plan is its likelihood: what is compared. */
  Range bound() {
    return range("nll_bound");
  }

  /** A figure of the evaluations over the seeds. */
  Range range(String key) {
    return Range.of(values(key));
  }

  List<Double> values(String key) {
    return seeds.stream().map(seed -> seed.figure(key)).toList();
  }

  double tokensPerSecond() {
    return Range.of(seeds.stream().map(SeedResult::tokensPerSecond).toList()).mean();
  }

  long peakBytes() {
    return seeds.stream().mapToLong(SeedResult::peakBytes).max().orElseThrow();
  }

  Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("name", contender.label());
    map.put("kind", hasPlan() ? "free" : "baseline");
    map.put("layers", model.numLayers());
    map.put("parameters", model.parameterCount());
    for (String key : figures()) {
      map.put(key, range(key).toMap());
    }
    map.put("tokens_per_second", tokensPerSecond());
    map.put("peak_bytes", peakBytes());
    map.put("seeds", seeds.stream().map(SeedResult::toJson).toList());
    return map;
  }

  private List<String> figures() {
    List<String> keys = new ArrayList<>(List.of("nll_bound"));
    keys.addAll(
        hasPlan()
            ? List.of("nll_iw", "prior_ce", "nll_tightest", "reconstruction", "kl")
            : List.of("nll"));
    if (seeds.getFirst().evaluation().hasNonNull("bits_per_byte")) {
      keys.add("bits_per_byte");
    }
    return keys;
  }
}
