package org.freetransformer.eval;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.Tensor;

/** Adds up a loss's parts over batches, on the host and in double precision. */
public final class TermSums {
  private final double[] klPerBit;
  private double loss;
  private double reconstruction;
  private double kl;
  private long tokens;

  /**
   * Sums of nothing.
   *
   * @param bits H, or 0 for a model without a plan
   */
  public TermSums(int bits) {
    klPerBit = new double[bits];
  }

  /**
   * Takes in one batch.
   *
   * @param outputs loss, reconstruction, and with a plan KL [] and KL by bit [H]
   * @param counted the batch's counted targets
   */
  public void add(List<Tensor> outputs, long counted) {
    loss += outputs.get(0).item();
    reconstruction += outputs.get(1).item();
    if (klPerBit.length > 0) {
      kl += outputs.get(2).item();
      float[] bits = outputs.get(3).toFloats();
      for (int h = 0; h < bits.length; h++) {
        klPerBit[h] += bits[h];
      }
    }
    tokens += counted;
  }

  /** Sum of the losses. */
  public double loss() {
    return loss;
  }

  /** Counted targets. */
  public long tokens() {
    return tokens;
  }

  /** Cross-entropy in nats per counted token. */
  public double reconstruction() {
    return reconstruction / tokens;
  }

  /** KL in nats per counted token. */
  public double kl() {
    return kl / tokens;
  }

  /** The same by bit [H]. */
  public double[] klPerBit() {
    double[] perToken = new double[klPerBit.length];
    Arrays.setAll(perToken, h -> klPerBit[h] / tokens);
    return perToken;
  }
}
