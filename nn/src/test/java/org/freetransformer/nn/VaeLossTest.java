package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.CrossEntropyOp;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class VaeLossTest extends LayerTestBase {
  private static final int ROWS = 6;
  private static final int VOCABULARY = 5;
  private static final int BITS = 3;
  private static final int[] TARGETS = {CrossEntropyOp.IGNORE_INDEX, 4, 0, 2, 2, -100};
  private static final float[] PLAN_COUNTS = {1, 1, 1, 1, 1, 0};
  private static final int TOKENS = 4;
  private static final int PLANS = 5;

  private Tensor scalar(double value) {
    return engine.full(DType.F32, Shape.of(), value);
  }

  private VaeLoss loss(double kappa, double beta) {
    return new VaeLoss(scalar(1.0 / TOKENS), scalar(1.0 / PLANS), scalar(kappa), scalar(beta));
  }

  private static double crossEntropies(double[] logits) {
    double sum = 0;
    for (int n = 0; n < ROWS; n++) {
      if (TARGETS[n] != CrossEntropyOp.IGNORE_INDEX) {
        double total = 0;
        for (int v = 0; v < VOCABULARY; v++) {
          total += Math.exp(logits[n * VOCABULARY + v]);
        }
        sum += Math.log(total) - logits[n * VOCABULARY + TARGETS[n]];
      }
    }
    return sum;
  }

  private static double kl(double logit) {
    double p = 1 / (1 + Math.exp(-logit));
    return p * Math.log(2 * p) + (1 - p) * Math.log(2 * (1 - p));
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "0.3466, 1", "0.3466, 0.25", "0.6, 3", "5, 1"})
  void isReconstructionPlusWhatPlansCostBeyondTheirFreeBits(double kappa, double beta) {
    Tensor logits = normal(2, 3, VOCABULARY);
    Tensor planLogits = normal(2, 3, BITS);
    VaeLoss.Terms terms =
        loss(kappa, beta)
            .withPlan(
                logits, engine.tensor(TARGETS, 2, 3), planLogits, engine.tensor(PLAN_COUNTS, 2, 3));
    double reconstruction = crossEntropies(logits.toDoubles());
    double[] perBit = new double[BITS];
    double excess = 0;
    double[] scores = planLogits.toDoubles();
    for (int n = 0; n < ROWS; n++) {
      double position = 0;
      for (int h = 0; h < BITS; h++) {
        perBit[h] += PLAN_COUNTS[n] * kl(scores[n * BITS + h]);
        position += kl(scores[n * BITS + h]);
      }
      excess += PLAN_COUNTS[n] * Math.max(0, position - kappa);
    }
    Offset<Double> near = Offset.offset(1e-5);
    assertThat(terms.reconstruction().toDoubles()[0]).isCloseTo(reconstruction, near);
    assertThat(terms.loss().toDoubles()[0])
        .isCloseTo(reconstruction / TOKENS + beta * excess / PLANS, near);
    double[] found = Objects.requireNonNull(terms.klPerBit()).toDoubles();
    assertThat(distance(found, perBit)).isLessThan(1e-5);
    assertThat((double) Objects.requireNonNull(terms.kl()).item())
        .isCloseTo(perBit[0] + perBit[1] + perBit[2], near);
  }

  @Test
  void penalisesNoPlanWithinItsFreeBits() {
    Tensor planLogits = normal(2, 3, BITS).requireGrad();
    Tensor logits = normal(2, 3, VOCABULARY);
    loss(BITS * Math.log(2), 1)
        .withPlan(
            logits, engine.tensor(TARGETS, 2, 3), planLogits, engine.tensor(PLAN_COUNTS, 2, 3))
        .loss()
        .backward();
    assertThat(Arrays.stream(gradient(planLogits).toDoubles())).allMatch(g -> g == 0);
  }

  @Test
  void staysFiniteForPlansThatAreCertain() {
    Tensor certain = engine.full(DType.F32, Shape.of(2, 3, BITS), 100).requireGrad();
    VaeLoss.Terms terms =
        loss(0, 1)
            .withPlan(
                normal(2, 3, VOCABULARY),
                engine.tensor(TARGETS, 2, 3),
                certain,
                engine.tensor(PLAN_COUNTS, 2, 3));
    terms.loss().backward();
    assertThat((double) Objects.requireNonNull(terms.kl()).item())
        .isCloseTo(PLANS * BITS * Math.log(2), Offset.offset(1e-4));
    assertThat(Arrays.stream(gradient(certain).toDoubles())).allMatch(Double::isFinite);
  }

  @Test
  void isPlainCrossEntropyWithoutAPlan() {
    Tensor logits = normal(2, 3, VOCABULARY);
    VaeLoss.Terms terms = loss(1, 1).withoutPlan(logits, engine.tensor(TARGETS, 2, 3));
    double sum = crossEntropies(logits.toDoubles());
    assertThat((double) terms.loss().item()).isCloseTo(sum / TOKENS, Offset.offset(1e-5));
    assertThat(terms.kl()).isNull();
    assertThat(terms.klPerBit()).isNull();
  }
}
