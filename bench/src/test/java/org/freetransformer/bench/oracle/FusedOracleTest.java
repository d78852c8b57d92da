package org.freetransformer.bench.oracle;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.libtorch.TorchFused;
import org.freetransformer.bench.libtorch.TorchOps;
import org.junit.jupiter.api.Test;

/** Libtorch's fused kernels compute what the compositions do, values and gradients. */
class FusedOracleTest extends OracleTestBase {
  private final SplittableRandom random = new SplittableRandom(31);

  private void check(
      NDManager manager,
      List<NDArray> inputs,
      Function<List<NDArray>, NDArray> composed,
      Function<List<NDArray>, NDArray> fused) {
    try (Libtorch.Tape tape = Libtorch.tape()) {
      List<NDArray> one = inputs.stream().map(Libtorch::leaf).toList();
      List<NDArray> other = inputs.stream().map(Libtorch::leaf).toList();
      NDArray expected = composed.apply(one);
      NDArray actual = fused.apply(other);
      NDArray dy = normal(manager, expected.getShape().getShape());
      tape.backward(expected, dy);
      tape.backward(actual, dy);
      Oracle.assertClose("value", actual.toFloatArray(), expected.toFloatArray());
      for (int i = 0; i < inputs.size(); i++) {
        Oracle.assertClose(
            "gradient " + i,
            other.get(i).getGradient().toFloatArray(),
            one.get(i).getGradient().toFloatArray());
      }
    }
  }

  private NDArray normal(NDManager manager, long... dims) {
    int[] sizes = Arrays.stream(dims).mapToInt(Math::toIntExact).toArray();
    return manager.create(Operand.normal(random, sizes).values(), Oracle.torchShape(sizes));
  }

  @Test
  void attentionOfGroupedQueries() {
    try (NDManager manager = Libtorch.newManager()) {
      NDArray mask = TorchOps.causalMask(manager, 9, 9);
      for (int keyHeads : new int[] {4, 2}) {
        check(
            manager,
            List.of(
                normal(manager, 2, 9, 4, 8),
                normal(manager, 2, 9, keyHeads, 8),
                normal(manager, 2, 9, keyHeads, 8)),
            x -> TorchOps.attention(x.get(0), x.get(1), x.get(2), mask),
            x -> TorchFused.causalAttention(x.get(0), x.get(1), x.get(2)));
      }
    }
  }

  @Test
  void swiGlu() {
    try (NDManager manager = Libtorch.newManager()) {
      check(
          manager,
          List.of(normal(manager, 5, 7), normal(manager, 5, 7)),
          x -> TorchOps.swiGlu(x.get(0), x.get(1)),
          x -> TorchFused.swiGlu(x.get(0), x.get(1)));
    }
  }

  @Test
  void crossEntropy() {
    int[] targets = {3, 0, 10, 4, 4};
    try (NDManager manager = Libtorch.newManager()) {
      NDArray column = TorchOps.indices(manager, targets, 5, 1);
      NDArray row = TorchOps.indices(manager, targets, 5);
      NDArray counted = manager.ones(Oracle.torchShape(5));
      check(
          manager,
          List.of(normal(manager, 5, 11)),
          x -> TorchOps.crossEntropy(x.getFirst(), column, counted),
          x -> TorchFused.crossEntropy(x.getFirst(), row));
    }
  }
}
