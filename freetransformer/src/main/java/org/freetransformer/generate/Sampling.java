package org.freetransformer.generate;

/**
 * How the next token is chosen from its logits ({@link Sampler} does). The penalty comes first,
 * then the temperature, then limits one after the other: top-k, top-p among what is left, min-p.
 *
 * @param temperature divides the logits; 0 takes the likeliest token
 * @param topK how many of the likeliest tokens may be drawn; 0 for all
 * @param topP draw from the fewest tokens whose probabilities reach this sum, in (0, 1]
 * @param minP leave out tokens less likely than this share of the likeliest, in [0, 1)
 * @param repetitionPenalty makes tokens that a sample has already, its prompt included, less likely
 *     above 1, likelier below, in (0, 1e6]; 1 for none. It divides their positive logits and
 *     multiplies the others. Source: CTRL (Keskar et al. 2019, section 4.1), which divides all;
 *     negative ones as in Hugging Face's RepetitionPenaltyLogitsProcessor
 * @param seed decides all draws
 */
public record Sampling(
    double temperature, int topK, double topP, double minP, double repetitionPenalty, long seed) {
  /** Plain sampling from the model's distribution. */
  public static Sampling plain(long seed) {
    return new Sampling(1, 0, 1, 0, 1, seed);
  }

  /** Always the likeliest token. */
  public static Sampling greedy() {
    return new Sampling(0, 0, 1, 0, 1, 0);
  }

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming what is out of range
   */
  public Sampling {
    require(temperature >= 0 && temperature <= 1e6, "temperature", temperature, "0 to 1e6");
    require(topK >= 0, "top-k", topK, "0 (all) or more");
    require(topP > 0 && topP <= 1, "top-p", topP, "above 0 up to 1");
    require(minP >= 0 && minP < 1, "min-p", minP, "0 up to, not including, 1");
    boolean valid = repetitionPenalty > 0 && repetitionPenalty <= 1e6;
    require(valid, "repetition-penalty", repetitionPenalty, "above 0 up to 1e6");
  }

  private static void require(boolean valid, String name, Number value, String allowed) {
    if (!valid) {
      throw new IllegalArgumentException("%s %s: allowed are %s".formatted(name, value, allowed));
    }
  }
}
