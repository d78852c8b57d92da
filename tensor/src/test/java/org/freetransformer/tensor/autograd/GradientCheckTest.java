package org.freetransformer.tensor.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Objects;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.ops.DropoutOp;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GradientCheckTest {
  private final Engine engine = Engine.on(Devices.scalar());
  private final GradientCheck check = GradientCheck.standard();

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private Tensor leaf(double... values) {
    return engine.tensor(values, values.length).requireGrad();
  }

  /** x², whose backward forgets the factor 2 at every element, or the gradient altogether. */
  private Tensor wrongSquare(Tensor x, boolean none) {
    Tensor y = x.detach().square();
    return Node.attach(
        y,
        List.of(x),
        (dy, gradients) -> {
          if (!none) {
            Tensor product = dy.mul(x.detach());
            engine.emit(
                new Instruction.Copy(product.buffer(), Output.to(gradients.into(x).buffer())));
          }
        });
  }

  @Test
  void aRightGradientPasses() {
    Tensor x = leaf(0.5, -1, 2);
    Tensor y = leaf(3, 4, 5);
    GradientCheck.Report report = check.compare(() -> x.square().mul(y).sum(), x, y);
    assertThat(report.passed()).isTrue();
    assertThat(report.elements()).isEqualTo(6);
  }

  @Test
  void anInputIsGivenOnce() {
    Tensor x = leaf(1, 2);
    Tensor before = engine.tensor(new double[] {7, 7}, 2);
    x.setGrad(before);
    assertThatThrownBy(() -> check.compare(() -> x.sum(), x, leaf(3), x))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("input 2 is input 0 again");
    assertThat(before.toDoubles()).containsExactly(7, 7);
  }

  @Test
  void aWrongGradientIsReportedWithTheWorstElement() {
    Tensor x = engine.tensor(new double[] {0.1, 0.2, 0.3, 5, 0.4, 0.5}, 2, 3).requireGrad();
    Tensor right = leaf(1, 2);
    GradientCheck.Report report =
        check.compare(() -> wrongSquare(x, false).sum().add(right.sum()), right, x);
    assertThat(report.passed()).isFalse();
    assertThat(report.wrong()).isEqualTo(6);
    assertThat(report.input()).isEqualTo(1);
    assertThat(report.difference()).isCloseTo(2 * report.backward(), within(1e-6));
    assertThatThrownBy(() -> check.require(() -> wrongSquare(x, false).sum(), x))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("6 of 6 gradients are wrong; worst: input 0 at [1, 0]")
        .hasMessageContaining("backward gives 5.0, differences 10.0");
  }

  @Test
  void aForgottenGradientCountsAsZero() {
    Tensor x = leaf(3);
    GradientCheck.Report report = check.compare(() -> wrongSquare(x, true).sum(), x);
    assertThat(report.backward()).isZero();
    assertThat(report.difference()).isCloseTo(6, within(1e-6));
    assertThat(report.passed()).isFalse();
  }

  @Test
  void notANumberIsWrong() {
    Tensor x = leaf(-1);
    assertThat(check.compare(() -> x.sqrt().sum(), x).passed()).isFalse();
  }

  @Test
  void valuesAndGradientsAreAsBefore() {
    Tensor x = leaf(0.5, -1, 2);
    x.exp().sum().backward();
    Tensor gradient = Objects.requireNonNull(x.grad());
    double[] before = gradient.toDoubles();
    long live = engine.device().memory().liveBytes();
    check.require(() -> x.square().sum(), x);
    assertThat(x.toDoubles()).containsExactly(0.5, -1, 2);
    assertThat(x.grad()).isSameAs(gradient);
    assertThat(gradient.toDoubles()).containsExactly(before);
    assertThat(engine.device().memory().liveBytes()).isEqualTo(live);
  }

  @Test
  void randomNumbersStandStill() {
    Tensor x = leaf(1, 2, 3, 4, 5, 6, 7, 8);
    check.require(() -> DropoutOp.dropout(x.square(), 0.5).sum(), x);
  }

  @Test
  void unfitInputsAndFunctionsAreRefused() {
    Tensor x = leaf(1, 2);
    assertThatThrownBy(() -> check.compare(x::sum))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least one input");
    Tensor single = engine.ones(2).requireGrad();
    assertThatThrownBy(() -> check.compare(() -> single.sum(), single))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("input 0 (Tensor f32[2])");
    Tensor constant = engine.tensor(new double[] {1, 2}, 2);
    assertThatThrownBy(() -> check.compare(x::sum, x, constant))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("input 1");
    Tensor repeated = engine.full(DType.F64, Shape.of(1), 1).broadcastTo(3).detach().requireGrad();
    assertThatThrownBy(() -> check.compare(repeated::sum, repeated))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a place each");
    assertThatThrownBy(() -> check.compare(x::square, x))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("one number of f64");
  }
}
