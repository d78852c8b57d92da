package org.freetransformer.generate;

import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;

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
   * @throws ConfigException naming what is out of range, as in {@code top_p}
   */
  public Sampling {
    Limits.between("temperature", temperature, 0, 1e6);
    Limits.between("top_k", topK, 0, Integer.MAX_VALUE);
    Limits.positive("top_p", topP, 1);
    Limits.below("min_p", minP, 0, 1);
    Limits.positive("repetition_penalty", repetitionPenalty, 1e6);
  }
}
