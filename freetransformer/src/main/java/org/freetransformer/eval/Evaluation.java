package org.freetransformer.eval;

import org.jspecify.annotations.Nullable;

/**
 * What a model is worth on held-out text. All figures are means per counted token, in nats.
 *
 * @param tokens counted targets
 * @param hasPlan whether the model has a plan; without one, {@code reconstruction} is its plain
 *     cross-entropy and those after it are 0, empty, NaN and null
 * @param reconstruction cross-entropy given a plan drawn from the encoder, which saw the text: NOT
 *     comparable with a baseline's
 * @param kl divergence of the plans from their prior
 * @param klPerBit the same by bit [H]
 * @param priorCrossEntropy cross-entropy given one plan drawn from the prior
 * @param plans how the plans use their bits
 */
@SuppressWarnings("ArrayRecordComponent") // A report; equality means nothing.
public record Evaluation(
    long tokens,
    boolean hasPlan,
    double reconstruction,
    double kl,
    double[] klPerBit,
    double priorCrossEntropy,
    @Nullable PlanStatistics plans) {
  /**
   * Reconstruction + KL: an upper bound of −log p(text), comparable with a baseline's cross-entropy
   * (which it is for a model without a plan).
   */
  public double nllBound() {
    return reconstruction + kl;
  }

  /** e to the bound. */
  public double perplexityBound() {
    return Math.exp(nllBound());
  }
}
