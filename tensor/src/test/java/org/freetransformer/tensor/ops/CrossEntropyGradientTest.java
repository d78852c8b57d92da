package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

class CrossEntropyGradientTest extends GradientTestBase {
  private static final int IGNORE = CrossEntropyOp.IGNORE_INDEX;

  /** None of bf16's numbers. */
  private static final int ROWS = 601;

  @Test
  @GradientOf({
    "CrossEntropyOp.crossEntropy(Tensor,Tensor,int)",
    "CrossEntropyOp.meanCrossEntropy(Tensor,Tensor,int)"
  })
  void lossesAndTheirMean() {
    Tensor logits = leaf(2, 3, 5);
    Tensor targets = indices(new int[] {0, 4, IGNORE, 2, IGNORE, 1}, 2, 3);
    check(() -> CrossEntropyOp.crossEntropy(logits, targets, IGNORE), logits);
    check(() -> CrossEntropyOp.meanCrossEntropy(logits, targets, IGNORE), logits);
    check(() -> CrossEntropyOp.crossEntropy(logits, targets, IGNORE).mul(logits.sum(-1)), logits);
    Tensor one = leaf(7);
    Tensor target = indices(new int[] {3});
    check(() -> CrossEntropyOp.crossEntropy(one, target, IGNORE), one);
    Tensor nothing = leaf(0, 7);
    check(() -> CrossEntropyOp.crossEntropy(nothing, indices(new int[0], 0), IGNORE), nothing);
  }

  @Test
  void stridedOperands() {
    Tensor logits = permuted(Shape.of(4, 5));
    Tensor columns = indices(new int[] {0, 9, 1, 9, 2, 9, IGNORE, 9}, 4, 2);
    Tensor targets = columns.narrow(1, 0, 1).reshape(4);
    check(() -> CrossEntropyOp.meanCrossEntropy(logits, targets, IGNORE), logits);
  }

  @Test
  void logitsOf16BitsLoseNothingInBetween() {
    Tensor exact = engine.uniform(DType.F32, Shape.of(ROWS, 7), 8, 12).to(DType.BF16).to(DType.F32);
    Tensor logits = exact.detach().requireGrad();
    Tensor halves = exact.to(DType.BF16).detach().requireGrad();
    Tensor targets = engine.full(DType.I32, Shape.of(ROWS), 3);
    Tensor expected = CrossEntropyOp.meanCrossEntropy(logits, targets, IGNORE);
    Tensor mean = CrossEntropyOp.meanCrossEntropy(halves, targets, IGNORE);
    assertThat(mean.item()).isCloseTo(expected.item(), within(0.002f));
    expected.backward();
    mean.backward();
    double[] wanted = gradient(logits);
    double[] found = gradient(halves);
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i] / wanted[i]).as("gradient %d", i).isCloseTo(1, within(0.01));
    }
  }

  @Test
  void ignoredTargetsCountNowhere() {
    Tensor logits = leaf(3, 4);
    Tensor targets = indices(new int[] {1, IGNORE, 3}, 3);
    double[] losses = CrossEntropyOp.crossEntropy(logits, targets, IGNORE).toDoubles();
    double mean = CrossEntropyOp.meanCrossEntropy(logits, targets, IGNORE).toDoubles()[0];
    assertThat(losses[1]).isZero();
    assertThat(mean).isCloseTo((losses[0] + losses[2]) / 2, within(1e-15));
    CrossEntropyOp.meanCrossEntropy(logits, targets, IGNORE).backward();
    assertThat(gradient(logits))
        .satisfies(g -> {
          for (int i = 4; i < 8; i++) {
            assertThat(g[i]).isZero();
          }
        });
    Tensor none = indices(new int[] {IGNORE, IGNORE, IGNORE}, 3);
    assertThat(CrossEntropyOp.meanCrossEntropy(logits, none, IGNORE).item()).isNaN();
  }

  @Test
  void hugeLogitsGiveFiniteLosses() {
    Tensor logits = engine.tensor(new double[] {1000, -1000, 0}, 1, 3).requireGrad();
    Tensor loss = CrossEntropyOp.crossEntropy(logits, indices(new int[] {1}, 1), IGNORE);
    assertThat(loss.toDoubles()).containsExactly(2000);
    loss.sum().backward();
    assertThat(gradient(logits)).containsExactly(1, -1, 0);
  }

  @Test
  void wrongShapesAreRefused() {
    assertThatThrownBy(
            () -> CrossEntropyOp.crossEntropy(leaf(2, 3, 5), indices(new int[6], 3, 2), IGNORE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[.., V] and [..]");
    assertThatThrownBy(() -> CrossEntropyOp.crossEntropy(leaf(2, 3), leaf(2), IGNORE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("I32");
  }
}
