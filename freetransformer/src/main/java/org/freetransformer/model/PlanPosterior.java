package org.freetransformer.model;

import org.freetransformer.tensor.ExampleRandom;
import org.freetransformer.tensor.Tensor;

/**
 * What the encoder inferred about the plans of a batch, on the host: H independent bits a position
 * (paper §3.4). A plan drawn from it is a function of the seed, the example and the position, and
 * so does not depend on which other examples share the batch, or on their lengths.
 */
public final class PlanPosterior {
  private static final double WORD = 0x1p-32;

  private final float[] logits;
  private final int rows;
  private final int length;
  private final int bits;

  private PlanPosterior(int rows, int length, int bits, float... logits) {
    this.rows = rows;
    this.length = length;
    this.bits = bits;
    this.logits = logits;
  }

  /**
   * Copies the logits from the device.
   *
   * @param planLogits [B, T, H], H up to 20
   */
  public PlanPosterior(Tensor planLogits) {
    this(planLogits.dim(0), planLogits.dim(1), planLogits.dim(2), planLogits.toFloats());
  }

  /** What is known of the plans of B texts of T tokens before they are read: all are as likely. */
  public static PlanPosterior prior(int rows, int length, int bits) {
    return new PlanPosterior(rows, length, bits, new float[rows * length * bits]);
  }

  /**
   * A plan for every position, drawn.
   *
   * @param random draws of one purpose; each purpose is another sample
   * @param firstExample number of the example in row 0; the rows after it hold those that follow
   * @return plan indices [B·T], row by row
   */
  public int[] draw(ExampleRandom random, long firstExample) {
    int[] plans = new int[rows * length];
    int blocks = (bits + ExampleRandom.BLOCK - 1) / ExampleRandom.BLOCK;
    int[] words = new int[ExampleRandom.BLOCK];
    for (int row = 0; row < rows; row++) {
      for (int t = 0; t < length; t++) {
        int index = row * length + t;
        int plan = 0;
        for (int h = 0; h < bits; h++) {
          int place = h % ExampleRandom.BLOCK;
          if (place == 0) {
            random.block(firstExample + row, t * blocks + h / ExampleRandom.BLOCK, words);
          }
          if (Integer.toUnsignedLong(words[place]) * WORD < probability(index, h)) {
            plan |= 1 << h;
          }
        }
        plans[index] = plan;
      }
    }
    return plans;
  }

  /** The likeliest plan of every position, [B·T]: each bit is 1 where its probability exceeds ½. */
  public int[] likeliest() {
    int[] plans = new int[rows * length];
    for (int i = 0; i < plans.length; i++) {
      for (int h = 0; h < bits; h++) {
        if (logits[i * bits + h] > 0) {
          plans[i] |= 1 << h;
        }
      }
    }
    return plans;
  }

  /**
   * Probability that a bit of a position's plan is 1.
   *
   * @param index row · T + position
   * @param bit from 0 to H − 1
   */
  public double probability(int index, int bit) {
    return 1 / (1 + Math.exp(-logits[index * bits + bit]));
  }

  /**
   * KL divergence of a position's plan from the uniform prior, in nats: 0 to H·ln 2.
   *
   * @param index row · T + position
   */
  public double kl(int index) {
    double sum = 0;
    for (int h = 0; h < bits; h++) {
      // ln 2 less the bit's entropy, which is the same for logits l and −l.
      double logit = Math.abs(logits[index * bits + h]);
      double unlikely = 1 / (1 + Math.exp(logit));
      sum += Math.log(2) - softplus(-logit) - unlikely * logit;
    }
    return Math.max(0, sum);
  }

  /**
   * Natural logarithm of a plan's probability at a position.
   *
   * @param index row · T + position
   * @param plan from 0 to 2^H − 1
   */
  public double logProbability(int index, int plan) {
    double sum = 0;
    for (int h = 0; h < bits; h++) {
      double logit = logits[index * bits + h];
      sum -= softplus((plan >> h & 1) == 1 ? -logit : logit);
    }
    return sum;
  }

  /** Natural logarithm of a plan's probability under the prior, the same for all: −H·ln 2. */
  public double logPrior() {
    return -bits * Math.log(2);
  }

  /** log(1 + e^x), finite at any x. */
  private static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }
}
