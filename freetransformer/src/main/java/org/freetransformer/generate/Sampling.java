package org.freetransformer.generate;

import java.util.Arrays;
import java.util.Comparator;
import org.freetransformer.tensor.Philox;

/**
 * How the next token is chosen from its logits.
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

  private static void require(boolean valid, String name, double value, String allowed) {
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
   */
  public int choose(float[] logits, int sample, int position) {
    Integer[] order = new Integer[logits.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingDouble((Integer i) -> -logits[i]));
    if (temperature == 0) {
      return order[0];
    }
    double[] weights = weights(logits, order);
    double total = 0;
    for (double weight : weights) {
      total += weight;
    }
    double left = uniform(sample, position) * total;
    for (int i = 0; i < weights.length; i++) {
      left -= weights[i];
      if (left < 0) {
        return order[i];
      }
    }
    return order[0];
  }

  /** Unnormalised probabilities of the tokens that may be drawn, likeliest first. */
  private double[] weights(float[] logits, Integer[] order) {
    int limit = topK == 0 ? order.length : Math.min(topK, order.length);
    double[] weights = new double[limit];
    double total = 0;
    for (int i = 0; i < limit; i++) {
      weights[i] = Math.exp((logits[order[i]] - logits[order[0]]) / temperature);
      total += weights[i];
    }
    double sum = 0;
    int kept = 0;
    while (kept < limit && (kept == 0 || (sum < topP * total && weights[kept] >= minP))) {
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
