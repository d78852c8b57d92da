package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

class KlGradientTest extends GradientTestBase {
  @Test
  @GradientOf({"KlOp.bernoulliKl(Tensor)", "KlOp.freeBits(Tensor,Tensor)"})
  void divergenceAndWhatIsNotFree() {
    for (Shape shape :
        List.of(Shape.of(1), Shape.of(16), Shape.of(3, 5), Shape.of(2, 3, 4), Shape.of(0, 4))) {
      Tensor logits = leaf(shape);
      check(() -> KlOp.bernoulliKl(logits), logits);
      Tensor kappa = engine.tensor(new double[] {0.4});
      check(() -> KlOp.freeBits(KlOp.bernoulliKl(logits), kappa).square(), logits);
    }
    Tensor strided = permuted(Shape.of(3, 5));
    check(() -> KlOp.bernoulliKl(strided).mul(strided.sum(-1)), strided);
    Tensor large = engine.tensor(new double[] {-30, 30, 9, -15}, 2, 2).requireGrad();
    check(() -> KlOp.bernoulliKl(large), large);
  }

  @Test
  void theDefinition() {
    Tensor logits = leaf(1, 6);
    double expected = 0;
    for (double logit : logits.toDoubles()) {
      double p = 1 / (1 + Math.exp(-logit));
      expected += p * Math.log(p / 0.5) + (1 - p) * Math.log((1 - p) / 0.5);
    }
    assertThat(KlOp.bernoulliKl(logits).toDoubles()[0]).isCloseTo(expected, within(1e-14));
  }

  @Test
  void finiteAtAnyLogitAndNeverAboveItsBound() {
    int bits = 16;
    for (double size : new double[] {0, 1e-8, 1, 40, 100, 1000, 1e30}) {
      double[] values = new double[bits];
      Arrays.setAll(values, h -> h % 2 == 0 ? size : -size);
      Tensor logits = engine.tensor(values, 1, bits).requireGrad();
      Tensor kl = KlOp.bernoulliKl(logits);
      kl.sum().backward();
      double bound = bits * Math.log(2);
      assertThat(kl.toDoubles()[0]).isBetween(0.0, bound);
      if (size >= 100) {
        assertThat(kl.toDoubles()[0]).isCloseTo(bound, within(1e-12));
      }
      for (double gradient : gradient(logits)) {
        assertThat(gradient).isFinite();
      }
    }
  }

  @Test
  void belowKappaNothingIsPaidAndNothingPulls() {
    Tensor logits = engine.tensor(new double[] {0.1, -0.2, 3, 3}, 2, 2).requireGrad();
    Tensor kappa = engine.tensor(new double[] {0.3466});
    Tensor paid = KlOp.freeBits(KlOp.bernoulliKl(logits), kappa);
    assertThat(paid.toDoubles()[0]).isZero();
    assertThat(paid.toDoubles()[1]).isPositive();
    paid.sum().backward();
    double[] gradient = gradient(logits);
    assertThat(Math.abs(gradient[0]) + Math.abs(gradient[1])).isZero();
    assertThat(gradient[2]).isPositive();
  }
}
