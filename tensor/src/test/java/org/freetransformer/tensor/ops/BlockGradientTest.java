package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.GradientCheck;
import org.junit.jupiter.api.Test;

/** The parts of a transformer block, attention apart. */
class BlockGradientTest extends GradientTestBase {
  private static final List<Shape> ROWS =
      List.of(Shape.of(1), Shape.of(7), Shape.of(3, 5), Shape.of(2, 3, 4), Shape.of(0, 3));

  @Test
  @GradientOf({"Tensor.softmax()", "Tensor.logSoftmax()", "SoftmaxOp.softmax(Tensor,boolean)"})
  void softmax() {
    for (boolean logarithm : List.of(false, true)) {
      for (Shape shape : ROWS) {
        Tensor x = leaf(shape);
        check(() -> SoftmaxOp.softmax(x, logarithm), x);
      }
      Tensor x = leaf(3, 5);
      check(() -> SoftmaxOp.softmax(x.transpose(0, 1), logarithm).square(), x);
      check(() -> x.mul(SoftmaxOp.softmax(x, logarithm)), x);
    }
    Tensor huge = engine.tensor(new double[] {1000, 999, -1000}, 3).requireGrad();
    GradientCheck fine = new GradientCheck(1e-8, 1e-6, 1e-6); // 1e-8·|x| is near the best again.
    fine.require(() -> project(huge.softmax()), huge);
    fine.require(() -> project(huge.logSoftmax()), huge);
  }

  @Test
  @GradientOf("RmsNormOp.rmsNorm(Tensor,Tensor,double)")
  void rmsNorm() {
    for (Shape shape : ROWS) {
      Tensor x = leaf(shape);
      Tensor weight = leaf(shape.dim(-1));
      check(() -> RmsNormOp.rmsNorm(x, weight, 1e-6), x, weight);
      check(() -> RmsNormOp.rmsNorm(x, weight, 0.5).mul(x), x, weight);
    }
    Tensor x = permuted(Shape.of(4, 5));
    Tensor weight = leaf(5, 2);
    check(() -> RmsNormOp.rmsNorm(x, weight.transpose(0, 1).reshape(10).narrow(0, 0, 5), 0.1), x);
    check(() -> RmsNormOp.rmsNorm(x, weight.narrow(1, 1, 1).reshape(5), 0.1), x, weight);
    Tensor both = leaf(6);
    check(() -> RmsNormOp.rmsNorm(both, both, 1e-3), both);
  }

  @Test
  @GradientOf("SwiGluOp.swiGlu(Tensor,Tensor)")
  void swiGlu() {
    for (Shape shape : SHAPES) {
      Tensor gate = leaf(shape);
      Tensor up = leaf(shape);
      check(() -> SwiGluOp.swiGlu(gate, up), gate, up);
      check(() -> SwiGluOp.swiGlu(gate, gate), gate);
    }
    Tensor gate = permuted(Shape.of(3, 5));
    Tensor up = narrowed(Shape.of(3, 5));
    check(() -> SwiGluOp.swiGlu(gate, up).add(gate), gate, up);
  }

  @Test
  @GradientOf("RopeOp.rope(Tensor,Tensor,Tensor)")
  void rope() {
    Tensor table = engine.tensor(RopeOp.table(11, 6, 100), 11, 6);
    Tensor perToken = indices(new int[] {0, 4, 10}, 3);
    Tensor perRow = indices(new int[] {0, 1, 2, 7, 7, 3}, 2, 3);
    for (Tensor positions : List.of(perToken, perRow)) {
      Tensor x = leaf(2, 3, 2, 6);
      check(() -> RopeOp.rope(x, positions, table), x);
      Tensor strided = permuted(Shape.of(2, 3, 2, 6));
      check(() -> RopeOp.rope(strided, positions, table).mul(strided), strided);
      Tensor wide = leaf(2, 3, 1, 18);
      check(() -> RopeOp.rope(wide.narrow(-1, 5, 6), positions, table), wide);
      check(() -> RopeOp.rope(x.transpose(1, 2).contiguous().transpose(1, 2), positions, table), x);
    }
  }

  @Test
  @GradientOf("DropoutOp.dropout(Tensor,double)")
  void dropout() {
    for (Shape shape : SHAPES) {
      Tensor x = leaf(shape);
      check(() -> DropoutOp.dropout(x, 0.4), x);
      check(() -> DropoutOp.dropout(DropoutOp.dropout(x, 0.25).square(), 0.5), x);
      check(() -> DropoutOp.dropout(x, 0), x);
    }
    Tensor x = permuted(Shape.of(7, 3));
    check(() -> DropoutOp.dropout(x, 0.5).add(x), x);
  }

  @Test
  void dropoutKeepsTheShareThatItShouldAndTheMean() {
    Tensor ones = engine.ones(200, 100);
    Tensor y = DropoutOp.dropout(ones, 0.25);
    double kept = y.notEqual(engine.zeros()).mean().item();
    assertThat(kept).isBetween(0.74, 0.76);
    assertThat(y.max(0).max(0).item()).isEqualTo((float) (1 / 0.75));
    Tensor other = DropoutOp.dropout(ones, 0.25);
    assertThat(other.equal(y).mean().item()).isLessThan(0.7f);
  }

  @Test
  void wrongOperandsAreRefused() {
    Tensor x = leaf(2, 3);
    assertThatThrownBy(() -> DropoutOp.dropout(x, 1)).hasMessageContaining("dropout rate 1.0");
    assertThatThrownBy(() -> DropoutOp.dropout(x, Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> RmsNormOp.rmsNorm(x, leaf(2), 1e-6)).hasMessageContaining("[3]");
    assertThatThrownBy(() -> SwiGluOp.swiGlu(x, leaf(3))).hasMessageContaining("equal");
    assertThatThrownBy(() -> SoftmaxOp.softmax(leaf(), false)).hasMessageContaining("axis");
    Tensor table = engine.tensor(RopeOp.table(4, 6, 100), 4, 6);
    assertThatThrownBy(() -> RopeOp.rope(leaf(1, 2, 1, 4), indices(new int[2], 2), table))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[B,T,heads,Dh]");
  }
}
