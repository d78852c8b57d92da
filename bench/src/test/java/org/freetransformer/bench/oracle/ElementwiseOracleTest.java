package org.freetransformer.bench.oracle;

import static ai.djl.ndarray.NDArrays.maximum;
import static ai.djl.ndarray.NDArrays.minimum;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.SplittableRandom;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

class ElementwiseOracleTest extends OracleTestBase {
  /** Pairs of shapes that broadcast, in every way that differs. */
  private static final int[][][] PAIRS = {
    {{5, 7}, {5, 7}},
    {{3, 5, 17}, {17}},
    {{3, 5, 17}, {3, 1, 17}},
    {{4, 1}, {1, 33}},
    {{1}, {2, 3, 4}},
    {{}, {6, 5}},
    {{2, 3, 1, 5}, {3, 4, 1}}
  };

  private final SplittableRandom random = new SplittableRandom(2);

  private void binary(String name, BinaryOperator<Tensor> ours, BinaryOperator<NDArray> theirs) {
    for (int[][] pair : PAIRS) {
      oracle.check(
          name,
          x -> ours.apply(x.get(0), x.get(1)),
          (_, x) -> theirs.apply(x.get(0), x.get(1)),
          Operand.normal(random, pair[0]),
          Operand.positive(random, pair[1]));
      oracle.check(
          name + ", swapped",
          x -> ours.apply(x.get(0), x.get(1)),
          (_, x) -> theirs.apply(x.get(0), x.get(1)),
          Operand.normal(random, pair[1]),
          Operand.positive(random, pair[0]));
    }
  }

  @Test
  void arithmeticWithBroadcasting() {
    binary("add", Tensor::add, NDArray::add);
    binary("sub", Tensor::sub, NDArray::sub);
    binary("mul", Tensor::mul, NDArray::mul);
    binary("div", Tensor::div, NDArray::div);
  }

  @Test
  void extremesWithBroadcasting() {
    binary("maximum", Tensor::maximum, (a, b) -> maximum(a, b));
    binary("minimum", Tensor::minimum, (a, b) -> minimum(a, b));
  }

  @Test
  void selection() {
    for (int[][] pair : PAIRS) {
      Operand condition = Operand.normal(random, pair[1]).constant();
      for (int i = 0; i < condition.values().length; i++) {
        condition.values()[i] = random.nextInt(2);
      }
      oracle.check(
          "select",
          x -> x.get(0).select(x.get(1), x.get(2)),
          (_, x) -> {
            // DJL's where() takes equal shapes only, so the choice is arithmetic here.
            NDArray chosen = x.get(0);
            return x.get(1).mul(chosen).add(x.get(2).mul(chosen.mul(-1).add(1)));
          },
          condition,
          Operand.normal(random, pair[0]),
          Operand.normal(random, pair[1]));
    }
  }

  @Test
  void comparisons() {
    for (int[][] pair : PAIRS) {
      Operand a = Operand.normal(random, pair[0]).constant();
      Operand b = Operand.normal(random, pair[1]).constant();
      if (a.values().length > 0 && b.values().length > 0) {
        b.values()[0] = a.values()[0];
      }
      oracle.check(
          "equal",
          x -> x.get(0).equal(x.get(1)),
          (_, x) -> x.get(0).eq(x.get(1)).toType(DataType.FLOAT32, false),
          a,
          b);
      oracle.check(
          "notEqual",
          x -> x.get(0).notEqual(x.get(1)),
          (_, x) -> x.get(0).neq(x.get(1)).toType(DataType.FLOAT32, false),
          a,
          b);
      oracle.check(
          "greater",
          x -> x.get(0).greater(x.get(1)),
          (_, x) -> x.get(0).gt(x.get(1)).toType(DataType.FLOAT32, false),
          a,
          b);
      oracle.check(
          "less",
          x -> x.get(0).less(x.get(1)),
          (_, x) -> x.get(0).lt(x.get(1)).toType(DataType.FLOAT32, false),
          a,
          b);
    }
  }

  private void unary(
      String name, boolean positive, UnaryOperator<Tensor> ours, UnaryOperator<NDArray> theirs) {
    int[][] shapes = {{1}, {3, 5}, {2, 17, 31}, {1000}};
    for (int[] shape : shapes) {
      Operand x =
          positive ? Operand.positive(random, shape) : Operand.normal(random, shape).times(3);
      oracle.check(name, in -> ours.apply(in.get(0)), (_, in) -> theirs.apply(in.get(0)), x);
    }
  }

  @Test
  void functionsOfOneNumber() {
    unary("neg", false, Tensor::neg, NDArray::neg);
    unary("abs", false, Tensor::abs, NDArray::abs);
    unary("exp", false, Tensor::exp, NDArray::exp);
    unary("square", false, Tensor::square, NDArray::square);
    unary("tanh", false, Tensor::tanh, NDArray::tanh);
    unary("sigmoid", false, Tensor::sigmoid, x -> x.getNDArrayInternal().sigmoid());
    unary("silu", false, Tensor::silu, x -> x.getNDArrayInternal().swish(1));
    unary("relu", false, Tensor::relu, x -> x.getNDArrayInternal().relu());
    unary("softplus", false, Tensor::softplus, x -> x.getNDArrayInternal().softPlus());
    unary("log", true, Tensor::log, NDArray::log);
    unary("sqrt", true, Tensor::sqrt, NDArray::sqrt);
    unary("reciprocal", true, Tensor::reciprocal, x -> x.pow(-1));
    unary("affine", false, x -> x.mul(1.5).add(-0.25), x -> x.mul(1.5).add(-0.25));
  }
}
