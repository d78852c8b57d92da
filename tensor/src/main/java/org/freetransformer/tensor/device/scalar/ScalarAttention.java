package org.freetransformer.tensor.device.scalar;

import java.util.Arrays;
import org.freetransformer.tensor.device.Instruction.Attention;
import org.freetransformer.tensor.device.Kernel;

/** {@code out_t = Σ_s softmax_s(scale · q_t·k_s) · v_s} over the keys that the mask lets t see. */
final class ScalarAttention {
  private final Elements q;
  private final Elements k;
  private final Elements v;
  private final Elements out;
  private final Elements lse;
  private final AttentionMask mask;
  private final double scale;
  private final int batch;
  private final int queries;
  private final int keys;
  private final int heads;
  private final int keyHeads;
  private final int size;
  private final double[] query;
  private final double[] row;
  private final double[] scores;
  private final double[] sums;

  private ScalarAttention(Attention op) {
    this.q = new Elements(op.q());
    this.k = new Elements(op.k());
    this.v = new Elements(op.v());
    this.out = new Elements(op.out());
    this.lse = new Elements(op.lse());
    this.scale = op.rule().scale();
    this.batch = q.dim(0);
    this.queries = q.dim(1);
    this.heads = q.dim(2);
    this.size = q.dim(3);
    this.keys = k.dim(1);
    this.keyHeads = k.dim(2);
    this.mask = new AttentionMask(op.rule(), queries, keys);
    this.query = new double[size];
    this.row = new double[size];
    this.sums = new double[size];
    this.scores = new double[keys];
  }

  static Kernel of(Attention op) {
    return new ScalarAttention(op)::run;
  }

  private void run() {
    mask.refresh();
    for (int b = 0; b < batch; b++) {
      for (int h = 0; h < heads; h++) {
        for (int t = 0; t < queries; t++) {
          attend(b, h, t);
        }
      }
    }
  }

  private void attend(int b, int h, int t) {
    long queryNumber = ((long) b * heads + h) * queries + t;
    int visible = mask.visible(b, t);
    q.load((((long) b * queries + t) * heads + h) * size, query, size);
    for (int s = 0; s < visible; s++) {
      k.load(keyRow(b, s, h), row, size);
      scores[s] = scale * dot(query, row);
    }
    double logSum = ScalarSoftmax.logSumExp(scores, visible);
    Arrays.fill(sums, 0);
    for (int s = 0; s < visible; s++) {
      double weight = Math.exp(scores[s] - logSum) * mask.factor(queryNumber, s);
      v.load(keyRow(b, s, h), row, size);
      for (int d = 0; d < size; d++) {
        sums[d] += weight * row[d];
      }
    }
    lse.set(queryNumber, logSum);
    for (int d = 0; d < size; d++) {
      out.set((((long) b * queries + t) * heads + h) * size + d, sums[d]);
    }
  }

  /** First element of the key, or value, that query head {@code h} reads at place {@code s}. */
  private long keyRow(int b, int s, int h) {
    int keyHead = h * keyHeads / heads;
    return (((long) b * keys + s) * keyHeads + keyHead) * size;
  }

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int d = 0; d < a.length; d++) {
      sum += a[d] * b[d];
    }
    return sum;
  }
}
