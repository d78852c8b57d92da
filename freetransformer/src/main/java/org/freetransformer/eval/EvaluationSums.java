package org.freetransformer.eval;

import java.util.Objects;
import org.freetransformer.data.Batch;
import org.jspecify.annotations.Nullable;

/** Adds up an evaluation over batches, on the host and in double precision. */
final class EvaluationSums {
  private final double[] klPerBit;
  private final @Nullable PlanTally plans;
  private long tokens;
  private double reconstruction;
  private double weightedBound;
  private double prior;

  /**
   * Sums of nothing.
   *
   * @param bits H, or 0 for a model without a plan
   */
  EvaluationSums(int bits) {
    klPerBit = new double[bits];
    plans = bits == 0 ? null : new PlanTally(bits);
  }

  void count(long countedTargets) {
    tokens += countedTargets;
  }

  /** Takes in cross-entropies under an inferred plan [B·T]: once for each plan that is drawn. */
  void addReconstruction(float[] losses) {
    reconstruction += total(losses);
  }

  /** Takes in cross-entropies under a plan from the prior [B·T]. */
  void addPrior(float[] losses) {
    prior += total(losses);
  }

  /** Takes in the importance-weighted bounds of whole texts [B]. */
  void addWeightedBound(double[] bounds) {
    for (double bound : bounds) {
      weightedBound += bound;
    }
  }

  /**
   * Takes in the plans that were inferred for a batch.
   *
   * @param logits [B·T·H]
   * @param divergences of each bit from its prior [B·T·H]
   * @param counts [B·T], 1 where the plan counts, else 0
   */
  void addPlans(Batch batch, float[] logits, float[] divergences, float[] counts) {
    Objects.requireNonNull(plans).add(batch, logits);
    for (int i = 0; i < divergences.length; i++) {
      klPerBit[i % klPerBit.length] += counts[i / klPerBit.length] * divergences[i];
    }
  }

  private static double total(float[] losses) {
    double sum = 0;
    for (float loss : losses) {
      sum += loss;
    }
    return sum;
  }

  /**
   * Means per token.
   *
   * @param samples K, plans drawn for each text, 0 if none were
   */
  Evaluation result(int samples) {
    double[] perToken = new double[klPerBit.length];
    double kl = 0;
    for (int h = 0; h < perToken.length; h++) {
      perToken[h] = klPerBit[h] / tokens;
      kl += perToken[h];
    }
    return new Evaluation(
        tokens,
        plans != null,
        samples,
        reconstruction / tokens / Math.max(1, samples),
        kl,
        perToken,
        samples == 0 ? Double.NaN : weightedBound / tokens,
        plans == null ? Double.NaN : prior / tokens,
        plans == null || tokens == 0 ? null : plans.statistics());
  }
}
