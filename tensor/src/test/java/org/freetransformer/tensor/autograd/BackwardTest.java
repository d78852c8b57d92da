package org.freetransformer.tensor.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Objects;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a backward pass promises, whatever the operations. */
class BackwardTest {
  private final Engine engine = Engine.on(Devices.scalar());

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private Tensor leaf(double... values) {
    return engine.tensor(values, values.length).requireGrad();
  }

  private static double[] gradient(Tensor tensor) {
    return Objects.requireNonNull(tensor.grad(), "no gradient").toDoubles();
  }

  @Test
  void leavesGetTheirGradient() {
    Tensor x = leaf(1, 2);
    Tensor y = leaf(3, 4);
    Tensor constant = engine.tensor(new double[] {5, 6}, 2);
    x.mul(y).add(constant).sum().backward();
    assertThat(gradient(x)).containsExactly(3, 4);
    assertThat(gradient(y)).containsExactly(1, 2);
    assertThat(constant.grad()).isNull();
  }

  @Test
  void severalPassesAddUp() {
    Tensor x = leaf(1, 2);
    x.square().sum().backward();
    Tensor first = x.grad();
    x.mul(10).sum().backward();
    assertThat(gradient(x)).containsExactly(12, 14);
    assertThat(x.grad()).isSameAs(first);
    x.setGrad(null);
    x.sum().backward();
    assertThat(gradient(x)).containsExactly(1, 1);
  }

  @Test
  void aLeafCanBeTheRoot() {
    Tensor x = leaf(7);
    x.backward();
    x.backward();
    assertThat(gradient(x)).containsExactly(2);
  }

  @Test
  void aGradientOfAnyShapeCanBeGiven() {
    Tensor x = leaf(1, 2, 3);
    Tensor dy = engine.tensor(new double[] {1, 10, 100}, 3);
    Tensor y = x.square();
    y.backward(dy);
    assertThat(gradient(x)).containsExactly(2, 40, 600);
    // It is never changed, though a sum passes its gradient on without a copy.
    Tensor a = x.mul(2);
    a.add(a).backward(dy);
    assertThat(dy.toDoubles()).containsExactly(1, 10, 100);
    // It may be strided.
    Tensor z = engine.tensor(new double[] {1, 2, 3, 4}, 2, 2).requireGrad();
    Tensor columns = engine.tensor(new double[] {1, 2, 3, 4}, 2, 2).transpose(0, 1);
    z.add(z.mul(z)).backward(columns);
    assertThat(gradient(z)).containsExactly(3, 15, 14, 36);
    assertThat(columns.toDoubles()).containsExactly(1, 3, 2, 4);
  }

  @Test
  void onlyOneNumberCanGoBackByItself() {
    Tensor y = leaf(1, 2).square();
    assertThatThrownBy(y::backward)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("[2]")
        .hasMessageContaining("sum it up");
    assertThatThrownBy(() -> y.backward(engine.tensor(new double[3], 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[3]");
    y.reshape(2, 1).narrow(0, 0, 1).backward();
  }

  @Test
  void whatDependsOnNoLeafCannotGoBack() {
    Tensor x = engine.tensor(new double[] {1}, 1);
    assertThatThrownBy(() -> x.square().sum().backward())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("requireGrad()");
  }

  @Test
  void withoutGradNothingIsRemembered() {
    Tensor x = leaf(1, 2);
    try (Engine.Mode _ = engine.noGrad()) {
      assertThat(engine.gradEnabled()).isFalse();
      try (Engine.Mode _ = engine.noGrad()) {
        assertThat(x.square().requiresGrad()).isFalse();
      }
      assertThat(engine.gradEnabled()).isFalse();
      assertThat(x.square().node()).isNull();
    }
    assertThat(engine.gradEnabled()).isTrue();
    assertThat(x.square().node()).isNotNull();
  }

  @Test
  void detachCutsTheGraph() {
    Tensor x = leaf(2, 3);
    x.mul(x.detach()).sum().backward();
    assertThat(gradient(x)).containsExactly(2, 3);
    assertThat(x.detach().requiresGrad()).isFalse();
    Tensor leafOfItsOwn = x.detach().requireGrad();
    leafOfItsOwn.square().sum().backward();
    assertThat(gradient(leafOfItsOwn)).containsExactly(4, 6);
    assertThat(gradient(x)).containsExactly(2, 3);
  }

  @Test
  void gradientsInTheMiddleAreKeptOnDemand() {
    Tensor x = leaf(2, 3);
    Tensor kept = x.square().retainGrad();
    Tensor dropped = kept.add(1);
    Tensor view = dropped.reshape(2, 1).retainGrad();
    view.mul(view).sum().backward();
    assertThat(gradient(kept)).containsExactly(10, 20);
    assertThat(gradient(view)).containsExactly(10, 20);
    assertThat(dropped.grad()).isNull();
    assertThat(gradient(x)).containsExactly(40, 120);
  }

  @Test
  void aKeptGradientIsNotOverwrittenByWhatComesAfter() {
    Tensor x = leaf(1, 2);
    Tensor a = x.mul(1);
    Tensor b = a.add(a.mul(3)).retainGrad();
    Tensor c = b.add(a).retainGrad();
    c.sum().backward();
    assertThat(gradient(c)).containsExactly(1, 1);
    assertThat(gradient(b)).containsExactly(1, 1);
    assertThat(gradient(x)).containsExactly(5, 5);
  }

  @Test
  void aGraphIsSpentAfterOnePass() {
    Tensor x = leaf(1, 2);
    Tensor shared = x.square();
    Tensor loss = shared.sum();
    loss.backward();
    double[] before = gradient(x);
    assertThatThrownBy(loss::backward)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("spent");
    Tensor other = leaf(5, 5);
    assertThatThrownBy(() -> shared.mul(other).sum().backward())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("spent");
    assertThat(other.grad()).isNull();
    assertThat(gradient(x)).containsExactly(before);
  }

  @Test
  void onlyFloatingPointNumbersHaveGradients() {
    Tensor whole = engine.tensor(new int[] {1, 2}, 2);
    assertThatThrownBy(whole::requireGrad)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("I32");
    Tensor converted = leaf(1.5, 2.5).to(DType.I32);
    assertThat(converted.requiresGrad()).isFalse();
  }

  @Test
  void aGradientMustFitItsTensor() {
    Tensor x = leaf(1, 2);
    assertThatThrownBy(() -> x.setGrad(engine.tensor(new double[3], 3)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> x.setGrad(engine.zeros(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("same shape and type");
    Tensor mine = engine.full(DType.F64, Shape.of(2), 100);
    x.setGrad(mine);
    x.sum().backward();
    assertThat(mine.toDoubles()).containsExactly(101, 101);
  }

  @Test
  void usingFreedMemoryIsAnExceptionForwardAndBackward() {
    Tensor x = leaf(1, 2);
    Tensor loss;
    Tensor inner;
    try (Scope _ = engine.scope("step")) {
      inner = x.square();
      loss = inner.mul(inner).sum();
    }
    assertThatThrownBy(inner::exp)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("use after free");
    assertThatThrownBy(loss::toFloats)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("use after free");
    assertThatThrownBy(loss::backward)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("use after free");
  }

  @Test
  void aViewOfALeafPassesItsGradientOn() {
    Tensor x = engine.tensor(new double[] {1, 2, 3, 4, 5, 6}, 2, 3).requireGrad();
    Tensor column = x.narrow(1, 1, 1).retainGrad();
    column.square().sum().backward();
    assertThat(gradient(x)).containsExactly(0, 4, 0, 0, 10, 0);
    assertThat(gradient(column)).containsExactly(4, 10);
  }

  @Test
  void aDeepGraphNeedsNoDeepStack() {
    Tensor x = leaf(1);
    try (Scope _ = engine.scope("deep")) {
      Tensor y = x;
      for (int i = 0; i < 20_000; i++) {
        y = y.add(0.001);
      }
      y.sum().backward();
    }
    assertThat(gradient(x)).containsExactly(1);
  }

  @Test
  void manyPathsThroughOneTensorAreWalkedOnce() {
    Tensor x = leaf(1);
    Tensor y = x;
    for (int i = 0; i < 60; i++) {
      y = y.add(y).mul(0.5); // 2^60 paths
    }
    y.sum().backward();
    assertThat(gradient(x)[0]).isCloseTo(1, within(1e-12));
  }
}
