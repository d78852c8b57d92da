package org.freetransformer.eval;

import java.util.Arrays;

/** Sums of the probabilities of a plan's bits over some positions. */
final class BitSums {
  private final double[] sum;
  private final double[] squares;
  private long count;

  /** Sums over no position of H bits. */
  BitSums(int bits) {
    sum = new double[bits];
    squares = new double[bits];
  }

  /** Takes in a position: its probabilities of 1 [H]. */
  void add(double[] p) {
    Arrays.setAll(sum, h -> sum[h] + p[h]);
    Arrays.setAll(squares, h -> squares[h] + p[h] * p[h]);
    count++;
  }

  /** Takes in all positions of other sums. */
  void addAll(BitSums other) {
    Arrays.setAll(sum, h -> sum[h] + other.sum[h]);
    Arrays.setAll(squares, h -> squares[h] + other.squares[h]);
    count += other.count;
  }

  /** Positions taken in. */
  long count() {
    return count;
  }

  /** Sum of a bit's probabilities of 1. */
  double sum(int bit) {
    return sum[bit];
  }

  /**
   * Entropy of a bit that is 1 with its mean probability, in nats, corrected for the number of
   * positions as {@link PlanTally} says.
   */
  double entropy(int bit) {
    double mean = sum[bit] / count;
    double coin = mean * (1 - mean);
    if (coin <= 0) {
      return 0;
    }
    // One sample shows no variance: then that of a drawn bit.
    double variance =
        count == 1 ? coin : Math.max(0, squares[bit] - count * mean * mean) / (count - 1);
    return entropy(mean) + variance / (2 * count * coin);
  }

  /** Entropy of a bit that is 1 with probability p, in nats. */
  static double entropy(double p) {
    return p <= 0 || p >= 1 ? 0 : -p * Math.log(p) - (1 - p) * Math.log1p(-p);
  }
}
