package org.freetransformer.eval;

import org.freetransformer.model.PlanPosterior;

/**
 * Importance weights of plans drawn from the encoder, {@code log w = log p(x|z) + log p(z) − log
 * q(z|x)} for a whole text x, and the bound that K of them make (Burda, Grosse, Salakhutdinov,
 * "Importance Weighted Autoencoders", ICLR 2016, equation 8): {@code −log p(x) ≤ E[−log 1/K Σ_k
 * w_k]}, which with K = 1 is reconstruction + KL in expectation and falls to −log p(x) as K grows.
 *
 * <p>Plans behind a text's last counted target are left out of p(z) and q(z|x): no target depends
 * on them.
 */
final class ImportanceWeights {
  private final double[][] logWeights;

  /** Room for K = {@code samples} weights of each of {@code rows} texts. */
  ImportanceWeights(int rows, int samples) {
    logWeights = new double[rows][samples];
  }

  /**
   * Takes in one plan for each text.
   *
   * @param sample its number, from 0 to K − 1
   * @param losses cross-entropies under the plans [B·T], 0 where no target counts
   * @param plans [B·T]
   * @param counts [B·T], 1 where the plan counts, else 0
   */
  void add(int sample, float[] losses, int[] plans, PlanPosterior posterior, float[] counts) {
    int length = losses.length / logWeights.length;
    for (int i = 0; i < losses.length; i++) {
      double ratio =
          counts[i] == 0 ? 0 : posterior.logPrior() - posterior.logProbability(i, plans[i]);
      logWeights[i / length][sample] += ratio - losses[i];
    }
  }

  /** −log of the mean weight of every text, in nats. */
  double[] negativeLogMeans() {
    double[] bounds = new double[logWeights.length];
    for (int row = 0; row < bounds.length; row++) {
      bounds[row] = -logMeanExp(logWeights[row]);
    }
    return bounds;
  }

  private static double logMeanExp(double... logs) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double log : logs) {
      largest = Math.max(largest, log);
    }
    double sum = 0;
    for (double log : logs) {
      sum += Math.exp(log - largest);
    }
    return largest + Math.log(sum / logs.length);
  }
}
