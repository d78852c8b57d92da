package org.freetransformer.generate;

import java.util.Arrays;
import org.freetransformer.tensor.Philox;

/**
 * How the next token is chosen from its logits. Limits apply one after the other: top-k, top-p
 * among what is left, min-p.
 *
 * @param temperature divides the logits; 0 takes the likeliest token
 * @param topK how many of the likeliest tokens may be drawn; 0 for all
 * @param topP draw from the fewest tokens whose probabilities reach this sum, in (0, 1]
 * @param minP leave out tokens less likely than this share of the likeliest, in [0, 1)
 * @param seed decides all draws
 */
public record Sampling(double temperature, int topK, double topP, double minP, long seed) {
  /** Tells these draws apart from those of plans. */
  private static final int SALT = 0x70_6b_6e;

  /** Plain sampling from the model's distribution. */
  public static Sampling plain(long seed) {
    return new Sampling(1, 0, 1, 0, seed);
  }

  /** Always the likeliest token. */
  public static Sampling greedy() {
    return new Sampling(0, 0, 1, 0, 0);
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
  }

  private static void require(boolean valid, String name, Number value, String allowed) {
    if (!valid) {
      throw new IllegalArgumentException("%s %s: allowed are %s".formatted(name, value, allowed));
    }
  }

  /**
   * Chooses a token; the same for the same logits, seed, sample and position.
   *
   * @param logits [V]
   * @param sample number of the sample that the token belongs to
   * @param position number of the token within the sample
   * @throws IllegalArgumentException if a logit is infinite or not a number
   */
  public int choose(float[] logits, int sample, int position) {
    for (int token = 0; token < logits.length; token++) {
      if (!Float.isFinite(logits[token])) {
        throw new IllegalArgumentException(
            "the logit of token %d is %s: the model's weights are damaged, or training diverged"
                .formatted(token, logits[token]));
      }
    }
    int[] order = likeliestFirst(logits);
    if (temperature == 0) {
      return order[0];
    }
    double[] weights = weights(logits, order);
    double left = uniform(sample, position) * Arrays.stream(weights).sum();
    for (int i = 0; i < weights.length; i++) {
      left -= weights[i];
      if (left < 0) {
        return order[i];
      }
    }
    return order[0]; // Rounding ate the last share.
  }

  /** All tokens by falling logit, equal ones by number: sorted as (logit, number) in one long. */
  private static int[] likeliestFirst(float[] logits) {
    long[] keys = new long[logits.length];
    for (int token = 0; token < logits.length; token++) {
      int bits = Float.floatToIntBits(logits[token] + 0f); // −0 becomes 0
      int rising = bits < 0 ? bits ^ Integer.MAX_VALUE : bits;
      keys[token] = ((long) ~rising << Integer.SIZE) | token;
    }
    Arrays.sort(keys);
    return Arrays.stream(keys).mapToInt(key -> (int) key).toArray();
  }

  /** Unnormalised probabilities of the tokens that may be drawn, likeliest first. */
  private double[] weights(float[] logits, int[] order) {
    int limit = topK == 0 ? order.length : Math.min(topK, order.length);
    double[] weights = new double[limit];
    for (int i = 0; i < limit; i++) {
      weights[i] = Math.exp(((double) logits[order[i]] - logits[order[0]]) / temperature);
    }
    double enough = topP == 1 ? Double.POSITIVE_INFINITY : topP * Arrays.stream(weights).sum();
    double sum = 0;
    int kept = 0;
    while (kept < limit && sum < enough && weights[kept] >= minP) {
      sum += weights[kept++];
    }
    return Arrays.copyOf(weights, kept);
  }

  private double uniform(int sample, int position) {
    int[] words = new int[4];
    Philox.block((int) seed, (int) (seed >>> 32), position, SALT, sample, 0, words);
    return (words[0] >>> 8) * 0x1p-24;
  }
}
