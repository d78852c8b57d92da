package org.freetransformer.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * @param kappa free bits of the step, in nats per position
 * @param learningRate rate of the step
 * @param gradientNorm global norm of the gradient before clipping
 * @param scaling the loss scale after this step, and the steps skipped so far; null without one
 * @param updateRatios norm of the update by norm of the weights, by part of the model, such as
 *     {@code encoder}: about 1e-3 is usual; empty on steps that are not logged
 * @param rankWaits seconds that each rank waited for others since the last logged step; empty on
 *     steps that are not logged, and where there is one rank
 * @param redrawnBits plan bits that were found dead after the step, and drawn anew
 */
@SuppressWarnings("ArrayRecordComponent") // Written to a file; equality means nothing.
public record StepMetrics(
    long step,
    long tokens,
    double loss,
    double reconstruction,
    double kl,
    double[] klPerBit,
    double kappa,
    double learningRate,
    double gradientNorm,
    LossScaler.@Nullable State scaling,
    Map<String, Double> updateRatios,
    List<Double> rankWaits,
    List<Integer> redrawnBits) {
  /** Copies the collections. */
  public StepMetrics {
    updateRatios = Collections.unmodifiableMap(new LinkedHashMap<>(updateRatios));
    rankWaits = List.copyOf(rankWaits);
    redrawnBits = List.copyOf(redrawnBits);
  }

  /** The same, with bits that were drawn anew. */
  StepMetrics withRedrawnBits(List<Integer> bits) {
    return new StepMetrics(
        step,
        tokens,
        loss,
        reconstruction,
        kl,
        klPerBit,
        kappa,
        learningRate,
        gradientNorm,
        scaling,
        updateRatios,
        rankWaits,
        bits);
  }

  /** An upper bound of the text's negative log-likelihood, per token in nats. */
  public double nllBound() {
    return reconstruction + kl;
  }
}
