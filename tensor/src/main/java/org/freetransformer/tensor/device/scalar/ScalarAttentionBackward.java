package org.freetransformer.tensor.device.scalar;

import java.util.Arrays;
import org.freetransformer.tensor.device.Instruction.AttentionBackward;
import org.freetransformer.tensor.device.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * Gradients of attention. With weights {@code p_s = exp(scale·q·k_s − lse)}, dropout factors m_s
 * and {@code dp_s = m_s · dout·v_s}: {@code dscore_s = p_s · (dp_s − Σ p·dp)}, from which dq, dk
 * and dv.
 */
final class ScalarAttentionBackward {
  private final Elements q;
  private final Elements k;
  private final Elements v;
  private final Elements lse;
  private final Elements dout;
  private final @Nullable Result dq;
  private final @Nullable Result dk;
  private final @Nullable Result dv;
  private final AttentionMask mask;
  private final double scale;
  private final int batch;
  private final int queries;
  private final int keys;
  private final int heads;
  private final int keyHeads;
  private final int size;
  private final double[] query;
  private final double[] gradient;
  private final double[] queryGradient;
  private final double[] key;
  private final double[] value;
  private final double[] weights;
  private final double[] weightGradients;
  private final double[] keyGradients;
  private final double[] valueGradients;

  private ScalarAttentionBackward(AttentionBackward op) {
    this.q = new Elements(op.q());
    this.k = new Elements(op.k());
    this.v = new Elements(op.v());
    this.lse = new Elements(op.lse());
    this.dout = new Elements(op.dout());
    this.dq = op.dq() == null ? null : new Result(op.dq());
    this.dk = op.dk() == null ? null : new Result(op.dk());
    this.dv = op.dv() == null ? null : new Result(op.dv());
    this.scale = op.rule().scale();
    this.batch = q.dim(0);
    this.queries = q.dim(1);
    this.heads = q.dim(2);
    this.size = q.dim(3);
    this.keys = k.dim(1);
    this.keyHeads = k.dim(2);
    this.mask = new AttentionMask(op.rule(), queries, keys);
    this.query = new double[size];
    this.gradient = new double[size];
    this.queryGradient = new double[size];
    this.key = new double[size];
    this.value = new double[size];
    this.weights = new double[keys];
    this.weightGradients = new double[keys];
    this.keyGradients = new double[Math.multiplyExact(keys, size)];
    this.valueGradients = new double[Math.multiplyExact(keys, size)];
  }

  static Kernel of(AttentionBackward op) {
    return new ScalarAttentionBackward(op)::run;
  }

  private void run() {
    mask.refresh();
    int group = keyHeads == 0 ? 0 : heads / keyHeads;
    for (int b = 0; b < batch; b++) {
      for (int keyHead = 0; keyHead < keyHeads; keyHead++) {
        Arrays.fill(keyGradients, 0);
        Arrays.fill(valueGradients, 0);
        for (int h = keyHead * group; h < (keyHead + 1) * group; h++) {
          for (int t = 0; t < queries; t++) {
            readQuery(b, h, t);
            differentiateWeights(b, keyHead, t, ((long) b * heads + h) * queries + t);
            differentiateScores(b, keyHead, t);
            if (dq != null) {
              dq.putRow((((long) b * queries + t) * heads + h) * size, queryGradient, size);
            }
          }
        }
        putKeyHead(b, keyHead);
      }
    }
  }

  private void readQuery(int b, int h, int t) {
    long first = (((long) b * queries + t) * heads + h) * size;
    q.load(first, query, size);
    dout.load(first, gradient, size);
  }

  /** The weights p and their gradients dp; the values' gradients grow on the way. */
  private void differentiateWeights(int b, int keyHead, int t, long queryNumber) {
    double logSum = lse.get(queryNumber);
    for (int s = 0; s < mask.visible(b, t); s++) {
      k.load(keyRow(b, s, keyHead), key, size);
      v.load(keyRow(b, s, keyHead), value, size);
      double factor = mask.factor(queryNumber, s);
      weights[s] = Math.exp(scale * ScalarAttention.dot(query, key) - logSum);
      weightGradients[s] = factor * ScalarAttention.dot(gradient, value);
      for (int d = 0; d < size; d++) {
        valueGradients[s * size + d] += weights[s] * factor * gradient[d];
      }
    }
  }

  /** Through the softmax to the scores, and from them to the query and the keys. */
  private void differentiateScores(int b, int keyHead, int t) {
    int visible = mask.visible(b, t);
    double mean = 0;
    for (int s = 0; s < visible; s++) {
      mean += weights[s] * weightGradients[s];
    }
    Arrays.fill(queryGradient, 0);
    for (int s = 0; s < visible; s++) {
      double scoreGradient = scale * weights[s] * (weightGradients[s] - mean);
      k.load(keyRow(b, s, keyHead), key, size);
      for (int d = 0; d < size; d++) {
        queryGradient[d] += scoreGradient * key[d];
        keyGradients[s * size + d] += scoreGradient * query[d];
      }
    }
  }

  private void putKeyHead(int b, int keyHead) {
    for (int s = 0; s < keys; s++) {
      put(dk, keyRow(b, s, keyHead), keyGradients, s);
      put(dv, keyRow(b, s, keyHead), valueGradients, s);
    }
  }

  private void put(@Nullable Result result, long first, double[] gradients, int s) {
    if (result == null) {
      return;
    }
    for (int d = 0; d < size; d++) {
      result.put(first + d, gradients[s * size + d]);
    }
  }

  private long keyRow(int b, int s, int keyHead) {
    return (((long) b * keys + s) * keyHeads + keyHead) * size;
  }
}
