package org.freetransformer.nn;

/** A Llama block in plain loops of doubles, for one sequence: what {@link LlamaBlock} must give. */
final class PlainBlock {
  private final LlamaBlock block;
  private final LlamaBlock.Config config;
  private final double theta;

  /** The same weights; {@code theta} is the base of the rotary positions, 0 for none. */
  PlainBlock(LlamaBlock block, LlamaBlock.Config config, double theta) {
    this.block = block;
    this.config = config;
    this.theta = theta;
  }

  /** x [T][D], keyValues [T][D] to [T][D]. */
  double[][] forward(double[][] x, double[][] keyValues, boolean causal) {
    double[][] kv = config.normaliseKeyValues() ? norm(keyValues, "attn_norm") : keyValues;
    double[][] h = sum(x, attention(norm(x, "attn_norm"), kv, causal));
    double[][] inner = norm(h, "ffn_norm");
    double[][] gate = linear(inner, "ffn.w1");
    double[][] up = linear(inner, "ffn.w3");
    for (int t = 0; t < gate.length; t++) {
      for (int f = 0; f < gate[t].length; f++) {
        gate[t][f] *= up[t][f] / (1 + Math.exp(-gate[t][f]));
      }
    }
    return sum(h, linear(gate, "ffn.w2"));
  }

  private double[][] attention(double[][] queryInput, double[][] keyValueInput, boolean causal) {
    int size = config.attention().headSize();
    int group = config.attention().heads() / config.attention().keyValueHeads();
    double[][] q = rotated(linear(queryInput, "wq"), size);
    double[][] k = rotated(linear(keyValueInput, "wk"), size);
    double[][] v = linear(keyValueInput, "wv");
    double[][] mixed = new double[q.length][config.attention().width()];
    for (int t = 0; t < q.length; t++) {
      for (int head = 0; head < config.attention().heads(); head++) {
        int from = head * size;
        int keyFrom = head / group * size;
        int seen = causal ? t + 1 : k.length;
        double[] shares = new double[seen];
        double total = 0;
        for (int s = 0; s < seen; s++) {
          double score = 0;
          for (int d = 0; d < size; d++) {
            score += q[t][from + d] * k[s][keyFrom + d];
          }
          shares[s] = Math.exp(score / Math.sqrt(size));
          total += shares[s];
        }
        for (int s = 0; s < seen; s++) {
          for (int d = 0; d < size; d++) {
            mixed[t][from + d] += shares[s] / total * v[s][keyFrom + d];
          }
        }
      }
    }
    return linear(mixed, "wo");
  }

  /** Half-rotation: element i turns with element i + Dh/2. */
  private double[][] rotated(double[][] x, int size) {
    if (theta == 0) {
      return x;
    }
    int half = size / 2;
    double[][] y = new double[x.length][x[0].length];
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < x[t].length; i++) {
        int place = i % size;
        double angle = t * Math.pow(theta, -2.0 * (place % half) / size);
        double partner = place < half ? -x[t][i + half] : x[t][i - half];
        y[t][i] = x[t][i] * Math.cos(angle) + partner * Math.sin(angle);
      }
    }
    return y;
  }

  private double[][] norm(double[][] x, String name) {
    double[] scale = LayerTestBase.weights(block, name + ".weight");
    double[][] y = new double[x.length][scale.length];
    for (int t = 0; t < x.length; t++) {
      double squares = 0;
      for (double value : x[t]) {
        squares += value * value;
      }
      double factor = 1 / Math.sqrt(squares / scale.length + config.normEpsilon());
      for (int d = 0; d < scale.length; d++) {
        y[t][d] = x[t][d] * factor * scale[d];
      }
    }
    return y;
  }

  private double[][] linear(double[][] x, String name) {
    double[] weight = LayerTestBase.weights(block, name + ".weight");
    int in = x[0].length;
    double[][] y = new double[x.length][weight.length / in];
    for (int t = 0; t < x.length; t++) {
      for (int o = 0; o < y[t].length; o++) {
        for (int i = 0; i < in; i++) {
          y[t][o] += weight[o * in + i] * x[t][i];
        }
      }
    }
    return y;
  }

  private static double[][] sum(double[][] a, double[][] b) {
    double[][] y = new double[a.length][a[0].length];
    for (int t = 0; t < a.length; t++) {
      for (int d = 0; d < a[t].length; d++) {
        y[t][d] = a[t][d] + b[t][d];
      }
    }
    return y;
  }
}
