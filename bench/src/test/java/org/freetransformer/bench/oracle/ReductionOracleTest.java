package org.freetransformer.bench.oracle;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import java.util.List;
import java.util.SplittableRandom;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

class ReductionOracleTest extends OracleTestBase {
  private static final int[][] SHAPES = {{1, 1, 1}, {3, 5, 7}, {2, 17, 33}, {64, 3, 65}};

  private final SplittableRandom random = new SplittableRandom(3);

  @Test
  void overAllElements() {
    for (int[] shape : SHAPES) {
      Operand x = Operand.normal(random, shape);
      oracle.check("sum", in -> in.get(0).sum(), (_, in) -> in.get(0).sum(), x);
      oracle.check("mean", in -> in.get(0).mean(), (_, in) -> in.get(0).mean(), x);
      oracle.check(
          "sumOfSquares", in -> in.get(0).sumOfSquares(), (_, in) -> in.get(0).square().sum(), x);
    }
  }

  @Test
  void overOneAxis() {
    for (int[] shape : SHAPES) {
      for (int axis = 0; axis < 3; axis++) {
        int along = axis;
        Operand x = Operand.normal(random, shape);
        oracle.check(
            "sum along " + axis,
            in -> in.get(0).sum(along),
            (_, in) -> in.get(0).sum(new int[] {along}),
            x);
        oracle.check(
            "sum along %d, kept".formatted(axis),
            in -> in.get(0).sum(along, true),
            (_, in) -> in.get(0).sum(new int[] {along}, true),
            x);
        oracle.check(
            "mean along " + axis,
            in -> in.get(0).mean(along),
            (_, in) -> in.get(0).mean(new int[] {along}),
            x);
        oracle.check(
            "max along " + axis,
            in -> in.get(0).max(along),
            (_, in) -> in.get(0).max(new int[] {along}),
            x);
      }
    }
  }

  @Test
  void softmaxAndItsLogarithm() {
    int[][] shapes = {{1}, {5, 1}, {3, 7}, {2, 5, 33}, {4, 1000}};
    for (int[] shape : shapes) {
      Operand x = Operand.normal(random, shape).times(4);
      int last = shape.length - 1;
      oracle.check("softmax", in -> in.get(0).softmax(), (_, in) -> in.get(0).softmax(last), x);
      oracle.check(
          "logSoftmax", in -> in.get(0).logSoftmax(), (_, in) -> in.get(0).logSoftmax(last), x);
    }
  }

  @Test
  void viewsAndCopies() {
    Operand x = Operand.normal(random, 3, 5, 8);
    oracle.check(
        "permute, reshape",
        in -> in.get(0).permute(2, 0, 1).reshape(4, 30).square(),
        (_, in) -> in.get(0).transpose(2, 0, 1).reshape(4, 30).square(),
        x);
    oracle.check(
        "narrow",
        in -> in.get(0).narrow(2, 3, 4).mul(2),
        (_, in) -> in.get(0).get("..., 3:7").mul(2),
        x);
    oracle.check(
        "concat, twice the same tensor",
        in -> Tensor.concat(1, List.of(in.get(0), in.get(1), in.get(0))),
        (_, in) -> concat(in.get(0), in.get(1), in.get(0)),
        x,
        Operand.normal(random, 3, 2, 8));
    oracle.check(
        "broadcastTo",
        in -> in.get(0).broadcastTo(4, 3, 5, 8).square(),
        (_, in) -> in.get(0).broadcast(4, 3, 5, 8).square(),
        x);
  }

  private static NDArray concat(NDArray... parts) {
    return NDArrays.concat(new NDList(parts), 1);
  }
}
