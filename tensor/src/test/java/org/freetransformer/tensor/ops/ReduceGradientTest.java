package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.ReduceFunction;
import org.junit.jupiter.api.Test;

class ReduceGradientTest extends GradientTestBase {
  @Test
  @GradientOf({
    "Tensor.sum()",
    "Tensor.mean()",
    "Tensor.sumOfSquares()",
    "ReduceOp.reduceAll(ReduceFunction,Tensor)"
  })
  void ofAllElements() {
    checkAll((Tensor x) -> x.sum().square());
    checkAll(Tensor::sumOfSquares);
    checkAll((Tensor x) -> ReduceOp.reduceAll(ReduceFunction.MAX, x.reshape(-1)));
    Tensor x = leaf(3, 5);
    check(() -> x.mean(), x);
    check(() -> x.sub(x.mean()).square().mean(), x);
    check(() -> x.sum().add(x.sumOfSquares()), x);
  }

  @Test
  @GradientOf({
    "Tensor.sum(int)",
    "Tensor.sum(int,boolean)",
    "Tensor.mean(int)",
    "Tensor.max(int)",
    "ReduceOp.reduce(ReduceFunction,Tensor,int,boolean)"
  })
  void alongAnAxis() {
    for (Shape shape : SHAPES) {
      for (int axis = 0; axis < shape.rank(); axis++) {
        int a = axis;
        Tensor x = leaf(shape);
        check(() -> x.sum(a).square(), x);
        check(() -> x.sub(x.sum(a, true)).square(), x);
        check(() -> ReduceOp.reduce(ReduceFunction.SUM_OF_SQUARES, x, a, false), x);
        if (shape.dim(a) > 0) {
          check(() -> x.mean(a), x);
          check(() -> x.max(a), x);
          check(() -> x.div(ReduceOp.reduce(ReduceFunction.MAX, x.exp(), a, true)), x);
        }
      }
    }
    Tensor strided = permuted(Shape.of(3, 5));
    check(() -> strided.max(0), strided);
    check(() -> strided.sum(-1).mul(strided.transpose(0, 1).mean(0)), strided);
  }

  @Test
  void equalMaximaShareTheGradient() {
    Tensor x = engine.tensor(new double[] {2, 1, 2, 0, 0, 0}, 2, 3).requireGrad();
    x.max(1).sum().backward();
    double third = 1.0 / 3;
    assertThat(gradient(x)).containsExactly(0.5, 0, 0.5, third, third, third);
  }

  @Test
  void nothingToReduce() {
    Tensor nothing = leaf(0, 2);
    assertThat(nothing.sum().toDoubles()).containsExactly(0);
    assertThat(nothing.sum(0).toDoubles()).containsExactly(0, 0);
    assertThat(nothing.max(0).toDoubles())
        .containsExactly(Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY);
    assertThat(nothing.mean().toDoubles()).containsExactly(Double.NaN);
  }

  @Test
  void wrongAxesAreRefused() {
    assertThatThrownBy(() -> leaf(2, 3).sum(2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("sum: axis 2 of shape [2,3]: allowed are -2 to 1; got f64[2,3]");
    assertThatThrownBy(() -> leaf().sum(0))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("sum: axis 0 of shape []: a scalar has no axes; got f64[]");
  }
}
