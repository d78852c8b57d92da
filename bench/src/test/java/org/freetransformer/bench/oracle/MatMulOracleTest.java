package org.freetransformer.bench.oracle;

import java.util.SplittableRandom;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.tensor.ops.MatMulOp;
import org.junit.jupiter.api.Test;

class MatMulOracleTest extends OracleTestBase {
  private static final int[] SIZES = {1, 2, 3, 7, 13, 16, 17, 33, 48, 61};

  private final SplittableRandom random = new SplittableRandom(1);

  private int size() {
    return SIZES[random.nextInt(SIZES.length)];
  }

  @Test
  void matrices() {
    for (int round = 0; round < 12; round++) {
      int m = size();
      int k = size();
      int n = size();
      oracle.check(
          "%d×%d×%d".formatted(m, k, n),
          x -> x.get(0).matmul(x.get(1)),
          (_, x) -> x.get(0).matMul(x.get(1)),
          Operand.normal(random, m, k),
          Operand.normal(random, k, n));
    }
  }

  @Test
  void transposed() {
    for (int round = 0; round < 8; round++) {
      int m = size();
      int k = size();
      int n = size();
      oracle.check(
          "Aᵀ·B",
          x -> x.get(0).transpose(0, 1).matmul(x.get(1)),
          (_, x) -> x.get(0).transpose().matMul(x.get(1)),
          Operand.normal(random, k, m),
          Operand.normal(random, k, n));
      oracle.check(
          "A·Bᵀ",
          x -> x.get(0).matmul(x.get(1).transpose(0, 1)),
          (_, x) -> x.get(0).matMul(x.get(1).transpose()),
          Operand.normal(random, m, k),
          Operand.normal(random, n, k));
      oracle.check(
          "Aᵀ·Bᵀ",
          x -> x.get(0).transpose(0, 1).matmul(x.get(1).transpose(0, 1)),
          (_, x) -> x.get(0).transpose().matMul(x.get(1).transpose()),
          Operand.normal(random, k, m),
          Operand.normal(random, n, k));
    }
  }

  @Test
  void batches() {
    for (int round = 0; round < 6; round++) {
      int m = size();
      int k = size();
      int n = size();
      oracle.check(
          "batch",
          x -> x.get(0).matmul(x.get(1)),
          (_, x) -> x.get(0).matMul(x.get(1)),
          Operand.normal(random, 3, m, k),
          Operand.normal(random, 3, k, n));
      oracle.check(
          "batch of which B is the same",
          x -> x.get(0).matmul(x.get(1)),
          (_, x) -> x.get(0).matMul(x.get(1)),
          Operand.normal(random, 2, 3, m, k),
          Operand.normal(random, k, n));
      oracle.check(
          "batch axes that broadcast",
          x -> x.get(0).matmul(x.get(1)),
          (_, x) -> x.get(0).matMul(x.get(1)),
          Operand.normal(random, 2, 1, m, k),
          Operand.normal(random, 1, 3, k, n));
    }
  }

  @Test
  void linearLayers() {
    for (int round = 0; round < 8; round++) {
      int in = size();
      int out = size();
      oracle.check(
          "linear %d to %d".formatted(in, out),
          x -> MatMulOp.linear(x.get(0), x.get(1)),
          (_, x) -> TorchOps.linear(x.get(0), x.get(1)),
          Operand.normal(random, 2, size(), in),
          Operand.normal(random, out, in));
    }
  }
}
