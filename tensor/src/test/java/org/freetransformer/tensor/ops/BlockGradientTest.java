package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.GradientCheck;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.simd.SimdDevices;
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
  void everyDeviceTakesARopeTableWithGaps() {
    for (Device device : List.of(Devices.scalar(), SimdDevices.warm(1))) {
      try (Engine other = Engine.on(device)) {
        Tensor wide = other.uniform(DType.F32, Shape.of(11, 12), -1, 1);
        Tensor table = wide.narrow(1, 3, 6);
        Tensor positions = other.tensor(new int[] {0, 4, 10}, 3);
        Tensor x = other.uniform(DType.F32, Shape.of(2, 3, 2, 6), -1, 1);
        assertThat(RopeOp.rope(x, positions, table).toFloats())
            .as(device.name())
            .isEqualTo(RopeOp.rope(x, positions, table.contiguous()).toFloats());
      }
    }
  }

  @Test
  void aPositionBeyondTheTableIsRefused() {
    for (Device device : List.of(Devices.scalar(), SimdDevices.warm(1))) {
      try (Engine other = Engine.on(device)) {
        Tensor table = other.tensor(RopeOp.table(3, 4, 100), 3, 4);
        Tensor x = other.ones(1, 1, 1, 4);
        for (int position : new int[] {-1, 3}) {
          Tensor positions = other.tensor(new int[] {position}, 1);
          assertThatThrownBy(() -> RopeOp.rope(x, positions, table))
              .as("%s, position %d", device.name(), position)
              .isInstanceOf(IndexOutOfBoundsException.class);
        }
      }
    }
  }

  @Test
  void rowsOf16BitsAreDividedByAnExactRoot() {
    Tensor exact = engine.uniform(DType.F32, Shape.of(50, 9), -2, 2).to(DType.BF16).to(DType.F32);
    Tensor x = exact.detach().requireGrad();
    Tensor halves = exact.to(DType.BF16).detach().requireGrad();
    RmsNormOp.rmsNorm(x, engine.ones(9), 1e-6).mul(x.detach()).sum().backward();
    Tensor ones = engine.ones(9).to(DType.BF16);
    RmsNormOp.rmsNorm(halves, ones, 1e-6).mul(halves.detach()).sum().backward();
    // Of dy = x, the gradient is a difference of numbers that are nearly equal.
    assertThat(halves.grad()).isNotNull();
    double[] wanted = gradient(x);
    double[] found = gradient(halves);
    for (int i = 0; i < wanted.length; i++) {
      assertThat(found[i]).as("gradient %d", i).isCloseTo(wanted[i], within(1e-4));
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
    assertThatThrownBy(() -> RopeOp.rope(leaf(1, 2, 1, 6), indices(new int[3], 3), table))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("rope positions: shape [3] does not broadcast to [1,2]; got ");
    assertThatThrownBy(() -> leaf(2, 3).add(leaf(4)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("add: shapes [2,3] and [4] do not broadcast");
    assertThatThrownBy(() -> leaf(3).maximum(indices(new int[3], 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("maximum: operands must have one type");
    assertThatThrownBy(() -> indices(new int[3], 3).neg())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("neg: the operand must be of a floating type");
    assertThatThrownBy(() -> leaf(2, 3, 4).matmul(leaf(3, 4, 5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("matmul: shapes [2] and [3] do not broadcast")
        .hasMessageContaining("f64[2,3,4]");
    Tensor narrow = table.to(DType.BF16);
    assertThatThrownBy(() -> RopeOp.rope(leaf(1, 2, 1, 6), indices(new int[2], 2), narrow))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the table must be f32 or of x's type");
    try (Engine other = Engine.on(Devices.scalar())) {
      Tensor elsewhere = other.tensor(new int[2], 2);
      assertThatThrownBy(() -> RopeOp.rope(leaf(1, 2, 1, 6), elsewhere, table))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("one engine");
    }
  }
}
