package org.freetransformer.server;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.config.Limits;
import org.freetransformer.generate.PlanControl;
import org.freetransformer.generate.Sampling;
import org.freetransformer.generate.StopStrings;
import org.freetransformer.generate.TextGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What all requests for text say about it, by the keys of their JSON.
 *
 * @param samples for each prompt
 * @param maxTokens most new tokens of a sample
 * @param sampling how tokens are chosen, still to be checked
 * @param stops strings before which a text ends, still to be checked
 * @param plans which plans it is written to
 */
record GenerationFields(
    int samples, int maxTokens, SamplingFields sampling, List<String> stops, PlanControl plans) {
  /** Most samples of a request, all prompts together. */
  static final int MOST_SAMPLES = 64;

  private static final int MOST_STOPS = 16;
  private static final int LONGEST_STOP = 256;

  private static final int SAMPLES = 1;
  private static final boolean SHARED = false;

  /** Numbers of a {@link Sampling} as they were read. */
  record SamplingFields(
      double temperature, int topK, double topP, double minP, double repetitionPenalty, long seed) {
    /** Those of plain sampling, which hold where a request says nothing. */
    static SamplingFields plain(long seed) {
      Sampling plain = Sampling.plain(seed);
      return new SamplingFields(
          plain.temperature(),
          plain.topK(),
          plain.topP(),
          plain.minP(),
          plain.repetitionPenalty(),
          plain.seed());
    }

    static SamplingFields read(ConfigSection body, SamplingFields absent) {
      return new SamplingFields(
          body.number("temperature", absent.temperature),
          body.integer("top_k", absent.topK),
          body.number("top_p", absent.topP),
          body.number("min_p", absent.minP),
          body.number("repetition_penalty", absent.repetitionPenalty),
          body.longInteger("seed", absent.seed));
    }

    Map<String, Object> toMap() {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("temperature", temperature);
      map.put("top_k", topK);
      map.put("top_p", topP);
      map.put("min_p", minP);
      map.put("repetition_penalty", repetitionPenalty);
      map.put("seed", seed);
      return map;
    }

    Sampling checked() {
      return new Sampling(temperature, topK, topP, minP, repetitionPenalty, seed);
    }
  }

  /** Where the plans of a prompt come from. */
  private enum Source {
    PRIOR,
    ENCODE;

    /** Where nothing is said, and no plan is replayed. */
    private static final Source USUAL = ENCODE;
  }

  /**
   * Reads the keys, so that the section knows them.
   *
   * @param seed where none is given
   * @throws ConfigException if a type is wrong, or the plan does not fit the model
   */
  static GenerationFields read(ConfigSection body, Served served, int maxTokens, long seed) {
    int samples = body.integer("n", SAMPLES);
    int most = body.integer("max_tokens", maxTokens);
    SamplingFields sampling = SamplingFields.read(body, SamplingFields.plain(seed));
    List<String> stops = body.texts("stop");
    PlanControl plans = plans(body.section("plan"), served, sampling.seed());
    return new GenerationFields(samples, most, sampling, stops, plans);
  }

  /** What {@link #read} takes where a key is absent. */
  static Map<String, @Nullable Object> defaults(int maxTokens, long seed, boolean hasPlan) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("n", SAMPLES);
    map.put("max_tokens", maxTokens);
    map.putAll(SamplingFields.plain(seed).toMap());
    map.put("stop", List.of());
    if (hasPlan) {
      Map<String, @Nullable Object> plan = new LinkedHashMap<>();
      plan.put("source", ConfigSection.nameOf(Source.USUAL));
      plan.put("seed", null); // The request's.
      plan.put("shared", SHARED);
      plan.put("replay", List.of());
      plan.put("pinned", Map.of());
      map.put("plan", plan);
    }
    return map;
  }

  /**
   * The request for some prompts.
   *
   * @throws ConfigException with the key that is out of range
   */
  TextGenerator.Request request(List<int[]> prompts) {
    Limits.between("n", samples, 1, MOST_SAMPLES);
    Limits.between("max_tokens", maxTokens, 1, Integer.MAX_VALUE);
    if (prompts.size() * samples > MOST_SAMPLES) {
      throw new ConfigException(
          "prompt",
          "%d prompts with n = %d are %d samples; allowed are %d"
              .formatted(prompts.size(), samples, prompts.size() * samples, MOST_SAMPLES));
    }
    List<int[]> each =
        prompts.stream().flatMap(one -> Collections.nCopies(samples, one).stream()).toList();
    return new TextGenerator.Request(each, maxTokens, sampling.checked(), plans, checkedStops());
  }

  private StopStrings checkedStops() {
    if (stops.size() > MOST_STOPS) {
      throw new ConfigException(
          "stop", "%d strings; allowed are %d".formatted(stops.size(), MOST_STOPS));
    }
    for (String stop : stops) {
      Served.requireText("stop", stop);
      if (stop.length() > LONGEST_STOP) {
        throw new ConfigException(
            "stop",
            "a string of %d characters; allowed are %d".formatted(stop.length(), LONGEST_STOP));
      }
    }
    return new StopStrings(stops);
  }

  private static PlanControl plans(ConfigSection plan, Served served, long seed) {
    List<Integer> replay = plan.integers("replay");
    Source usual = replay.isEmpty() ? Source.USUAL : Source.PRIOR;
    Source source = plan.choice("source", Source.class, usual);
    long own = plan.longInteger("seed", seed);
    boolean shared = plan.flag("shared", SHARED);
    ConfigSection pinned = plan.section("pinned");
    if (!served.hasPlan()) {
      for (String key : List.of("source", "seed", "shared", "replay", "pinned")) {
        if (plan.has(key)) {
          throw new ConfigException(
              "plan", "this model is a baseline and has no plan; leave out plan");
        }
      }
    }
    PlanControl unpinned =
        plan.build(() -> {
          requireKnown(replay, (1 << served.planBits()) - 1);
          return new PlanControl(source == Source.ENCODE, shared, replay, 0, 0, own);
        });
    for (int bit = 0; bit < served.planBits(); bit++) {
      boolean _ = pinned.has(String.valueOf(bit)); // Now it knows its keys, and refuses others.
    }
    return pinned.build(() -> withPins(unpinned, pinned, served.planBits()));
  }

  private static void requireKnown(List<Integer> replay, int most) {
    for (int t = 0; t < replay.size(); t++) {
      int plan = replay.get(t);
      if (plan < 0 || plan > most) {
        throw new ConfigException(
            "replay",
            "plan %d at position %d; this model's plans are 0 to %d".formatted(plan, t, most));
      }
    }
  }

  private static PlanControl withPins(PlanControl plans, ConfigSection pinned, int bits) {
    Map<Integer, Integer> pins = new LinkedHashMap<>();
    for (int bit = 0; bit < bits; bit++) {
      String key = String.valueOf(bit);
      if (pinned.has(key)) {
        int value = pinned.integer(key, 0);
        Limits.between(key, value, 0, 1);
        pins.put(bit, value);
      }
    }
    return plans.withPinned(pins);
  }
}
