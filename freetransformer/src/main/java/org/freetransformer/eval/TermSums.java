package org.freetransformer.eval;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.Tensor;

/** Adds up a loss's parts over batches, on the host and in double precision. */
public final class TermSums {
  /** Numbers before those of the bits. */
  private static final int PARTS = 3;

  private final double[] klPerBit;
  private double loss;
  private double reconstruction;
  private double kl;
  private final long tokens;

  /**
   * Sums of nothing.
   *
   * @param bits H, or 0 for a model without a plan
   * @param tokens counted targets of all batches
   */
  public TermSums(int bits, long tokens) {
    klPerBit = new double[bits];
    this.tokens = tokens;
  }

  /**
   * A batch's numbers in a row: loss, reconstruction, and with a plan KL and KL by bit.
   *
   * @param outputs loss, reconstruction, and with a plan KL [] and KL by bit [H]
   */
  public static float[] row(List<Tensor> outputs) {
    int bits = outputs.size() > 2 ? Math.toIntExact(outputs.get(3).shape().size()) : 0;
    float[] row = new float[bits == 0 ? 2 : PARTS + bits];
    row[0] = outputs.get(0).item();
    row[1] = outputs.get(1).item();
    if (bits > 0) {
      row[2] = outputs.get(2).item();
      System.arraycopy(outputs.get(3).toFloats(), 0, row, PARTS, bits);
    }
    return row;
  }

  /**
   * Takes in one batch.
   *
   * @param row from {@link #row}
   */
  public void add(float[] row) {
    loss += row[0];
    reconstruction += row[1];
    if (klPerBit.length > 0) {
      kl += row[2];
      for (int h = 0; h < klPerBit.length; h++) {
        klPerBit[h] += row[PARTS + h];
      }
    }
  }

  /** Sum of the losses. */
  public double loss() {
    return loss;
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
