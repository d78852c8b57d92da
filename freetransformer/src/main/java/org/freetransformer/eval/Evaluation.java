package org.freetransformer.eval;

import org.jspecify.annotations.Nullable;

/**
 * What a model is worth on held-out text. All figures are means per counted token, in nats.
 *
 * @param tokens counted targets
 * @param hasPlan whether the model has a plan; without one, {@code reconstruction} is its plain
 *     cross-entropy and those after it are 0, empty, NaN and null
 * @param samples K, plans drawn from the encoder for each text; 0 if the likeliest was taken, which
 *     makes no bound, and for a model without a plan
 * @param reconstruction cross-entropy given a plan from the encoder, which saw the text: NOT
 *     comparable with a baseline's
 * @param kl divergence of the plans from their prior
 * @param klPerBit the same by bit [H]
 * @param weightedBound importance-weighted bound of −log p(text) by the K plans, comparable and
 *     tighter than reconstruction + KL; NaN without drawn plans
 * @param priorCrossEntropy cross-entropy given one plan drawn from the prior; a bound as well, as
 *     −log E[p(x|z)] ≤ E[−log p(x|z)]: tight where plans do nothing, loose where they matter
 * @param plans how the plans use their bits
 */
@SuppressWarnings("ArrayRecordComponent") // A report; equality means nothing.
public record Evaluation(
    long tokens,
    boolean hasPlan,
    int samples,
    double reconstruction,
    double kl,
    double[] klPerBit,
    double weightedBound,
    double priorCrossEntropy,
    @Nullable PlanStatistics plans) {
  /** Whether {@link #nllBound} is one. */
  public boolean hasBound() {
    return !hasPlan || samples > 0;
  }

  /**
   * Reconstruction + KL: an upper bound of −log p(text), comparable with a baseline's cross-entropy
   * (which it is for a model without a plan). NaN if the likeliest plan was taken: a bound needs
   * plans that are drawn as the KL assumes.
   */
  public double nllBound() {
    return hasBound() ? reconstruction + kl : Double.NaN;
  }

  /**
   * The lowest of all bounds here: reconstruction + KL, the importance-weighted one, and the prior
   * cross-entropy. A baseline's is its likelihood.
   */
  public double tightestBound() {
    if (!hasPlan) {
      return reconstruction;
    }
    return hasBound()
        ? Math.min(nllBound(), Math.min(weightedBound, priorCrossEntropy))
        : priorCrossEntropy;
  }

  /**
   * This, if all of it was measured.
   *
   * @throws IllegalStateException if a figure is infinite or not a number
   */
  public Evaluation requireFinite() {
    Finite.require(hasPlan ? "reconstruction" : "cross-entropy", reconstruction);
    if (hasPlan) {
      Finite.require("KL", kl);
      Finite.require("cross-entropy under a plan from the prior", priorCrossEntropy);
      if (samples > 0) {
        Finite.require("importance-weighted bound", weightedBound);
      }
    }
    return this;
  }

  /** e to the bound. */
  public double perplexityBound() {
    return Math.exp(nllBound());
  }
}
