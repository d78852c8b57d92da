package org.freetransformer.train;

import org.freetransformer.nn.optim.LossScaler;
import org.jspecify.annotations.Nullable;

/**
 * One optimizer step as the metrics file tells it. Per token means per counted target, in nats.
 *
 * @param step number of the step, from 1
 * @param tokens counted targets since the run began
 * @param loss what was minimised
 * @param reconstruction cross-entropy per token; sees the future through the plan
 * @param kl divergence of the plan from its prior, per token; 0 without a plan
 * @param klPerBit the same by bit [H]; empty without a plan
 * @param learningRate rate of the step
 * @param gradientNorm global norm of the gradient before clipping
 * @param scaling the loss scale after this step, and the steps skipped so far; null without one
 */
@SuppressWarnings("ArrayRecordComponent") // Written to a file; equality means nothing.
public record StepMetrics(
    long step,
    long tokens,
    double loss,
    double reconstruction,
    double kl,
    double[] klPerBit,
    double learningRate,
    double gradientNorm,
    LossScaler.@Nullable State scaling) {
  /** An upper bound of the text's negative log-likelihood, per token in nats. */
  public double nllBound() {
    return reconstruction + kl;
  }
}
