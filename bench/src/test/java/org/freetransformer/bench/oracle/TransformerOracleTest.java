package org.freetransformer.bench.oracle;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.SplittableRandom;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.AttentionOp;
import org.freetransformer.tensor.ops.CrossEntropyOp;
import org.freetransformer.tensor.ops.EmbeddingOp;
import org.freetransformer.tensor.ops.RmsNormOp;
import org.freetransformer.tensor.ops.RopeOp;
import org.freetransformer.tensor.ops.SwiGluOp;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TransformerOracleTest extends OracleTestBase {
  private final SplittableRandom random = new SplittableRandom(4);

  @Test
  void rmsNorm() {
    int[][] shapes = {{1, 1}, {3, 5}, {2, 7, 33}, {5, 257}};
    for (int[] shape : shapes) {
      oracle.check(
          "rmsNorm",
          x -> RmsNormOp.rmsNorm(x.get(0), x.get(1), 1e-5),
          (_, x) -> TorchOps.rmsNorm(x.get(0), x.get(1), 1e-5),
          Operand.normal(random, shape),
          Operand.normal(random, shape[shape.length - 1]));
    }
  }

  @Test
  void swiGlu() {
    int[][] shapes = {{1}, {3, 5}, {2, 7, 33}};
    for (int[] shape : shapes) {
      oracle.check(
          "swiGlu",
          x -> SwiGluOp.swiGlu(x.get(0), x.get(1)),
          (_, x) -> TorchOps.swiGlu(x.get(0), x.get(1)),
          Operand.normal(random, shape).times(2),
          Operand.normal(random, shape));
    }
  }

  @Test
  void rope() {
    int[][] shapes = {{1, 1, 1, 2}, {2, 5, 3, 8}, {1, 17, 2, 34}};
    for (int[] shape : shapes) {
      int t = shape[1];
      int half = shape[3] / 2;
      float[] table = RopeOp.table(t, shape[3], 10000);
      oracle.check(
          "rope",
          x -> {
            var engine = x.get(0).engine();
            return RopeOp.rope(
                x.get(0), engine.tensor(positions(t), t), engine.tensor(table, t, shape[3]));
          },
          (manager, x) -> {
            NDArray angles = angles(manager, t, half);
            return TorchOps.rope(x.get(0), angles.cos(), angles.sin());
          },
          Operand.normal(random, shape));
    }
  }

  private static int[] positions(int count) {
    int[] positions = new int[count];
    for (int i = 0; i < count; i++) {
      positions[i] = i;
    }
    return positions;
  }

  /** [T, 1, Dh/2], derived here from the definition rather than from our table. */
  private static NDArray angles(NDManager manager, int t, int half) {
    float[] angles = new float[t * half];
    for (int p = 0; p < t; p++) {
      for (int i = 0; i < half; i++) {
        angles[p * half + i] = (float) (p * Math.pow(10000, -(double) i / half));
      }
    }
    return manager.create(angles, new Shape(t, 1, half));
  }

  /**
   * Compares attention.
   *
   * @param lengths how many keys count in each row, or null for all
   */
  private void attention(
      int b, int t, int s, int heads, int kvHeads, int size, boolean causal, int... lengths) {
    int @Nullable [] counted = lengths.length == 0 ? null : lengths;
    oracle.check(
        "attention B %d T %d S %d heads %d/%d size %d causal %s"
            .formatted(b, t, s, heads, kvHeads, size, causal),
        x -> {
          Tensor keyLengths = counted == null ? null : x.get(0).engine().tensor(counted, b);
          return AttentionOp.attention(x.get(0), x.get(1), x.get(2), causal, keyLengths, 0);
        },
        (manager, x) ->
            TorchOps.attention(
                x.get(0), x.get(1), x.get(2), mask(manager, b, t, s, causal, counted)),
        Operand.normal(random, b, t, heads, size),
        Operand.normal(random, b, s, kvHeads, size),
        Operand.normal(random, b, s, kvHeads, size));
  }

  private static NDArray mask(
      NDManager manager, int b, int t, int s, boolean causal, int @Nullable [] lengths) {
    if (causal && lengths == null) {
      return TorchOps.causalMask(manager, t, s);
    }
    float[] mask = new float[b * t * s];
    for (int i = 0; i < b; i++) {
      int keys = lengths == null ? s : lengths[i];
      for (int q = 0; q < t; q++) {
        int seen = causal ? q + keys - t + 1 : keys;
        for (int k = seen; k < s; k++) {
          mask[(i * t + q) * s + k] = Float.NEGATIVE_INFINITY;
        }
      }
    }
    return manager.create(mask, new Shape(b, 1, t, s));
  }

  @Test
  void causalAttention() {
    attention(1, 1, 1, 1, 1, 1, true);
    attention(2, 5, 5, 2, 2, 3, true);
    attention(1, 33, 33, 4, 2, 16, true);
    attention(2, 70, 70, 2, 1, 20, true);
    attention(1, 3, 9, 2, 1, 8, true);
  }

  @Test
  void attentionBothWays() {
    attention(1, 1, 1, 1, 1, 1, false);
    attention(2, 5, 7, 4, 2, 3, false);
    attention(1, 33, 65, 3, 3, 17, false);
    attention(1, 70, 70, 6, 2, 32, false);
  }

  @Test
  void attentionToRowsOfUnequalLength() {
    attention(3, 9, 9, 2, 1, 8, false, 9, 4, 1);
    attention(2, 2, 40, 2, 2, 8, true, 40, 17);
  }

  @Test
  void crossEntropy() {
    int[] classes = {1, 2, 7, 33, 1000};
    for (int v : classes) {
      int rows = 13;
      int[] targets = new int[rows];
      int[] torchTargets = new int[rows];
      float[] counted = new float[rows];
      for (int i = 0; i < rows; i++) {
        boolean ignored = i % 4 == 1;
        torchTargets[i] = ignored ? 0 : random.nextInt(v);
        targets[i] = ignored ? CrossEntropyOp.IGNORE_INDEX : torchTargets[i];
        counted[i] = ignored ? 0 : 1;
      }
      Operand logits = Operand.normal(random, rows, v).times(5);
      oracle.check(
          "crossEntropy of %d classes".formatted(v),
          x ->
              CrossEntropyOp.crossEntropy(
                  x.get(0), x.get(0).engine().tensor(targets, rows), CrossEntropyOp.IGNORE_INDEX),
          (manager, x) ->
              TorchOps.crossEntropy(
                  x.get(0),
                  TorchOps.indices(manager, torchTargets, rows, 1),
                  manager.create(counted)),
          logits);
      oracle.check(
          "meanCrossEntropy of %d classes".formatted(v),
          x ->
              CrossEntropyOp.meanCrossEntropy(
                  x.get(0), x.get(0).engine().tensor(targets, rows), CrossEntropyOp.IGNORE_INDEX),
          (manager, x) -> {
            NDArray mask = manager.create(counted);
            NDArray losses =
                TorchOps.crossEntropy(
                    x.get(0), TorchOps.indices(manager, torchTargets, rows, 1), mask);
            return losses.sum().div(mask.sum());
          },
          logits);
    }
  }

  @Test
  void embeddingWithTokensThatRepeat() {
    int[] tokens = {3, 0, 3, 9, 3, 0, 1, 2};
    for (int width : new int[] {1, 5, 16, 33}) {
      oracle.check(
          "embedding",
          x -> EmbeddingOp.gather(x.get(0), x.get(0).engine().tensor(tokens, 2, 4)),
          (manager, x) -> TorchOps.embedding(x.get(0), TorchOps.indices(manager, tokens, 2, 4)),
          Operand.normal(random, 10, width));
    }
  }
}
