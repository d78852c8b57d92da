package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.UnaryOperator;
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
    return new VaeLoss(
        scalar(1.0 / TOKENS), scalar(1.0 / PLANS), scalar(kappa), scalar(beta), null, null);
  }

  private OutputLoss output(Tensor logits) {
    return new OutputLoss(UnaryOperator.identity(), logits, engine.tensor(TARGETS, 2, 3), ROWS);
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
        loss(kappa, beta).withPlan(output(logits), planLogits, engine.tensor(PLAN_COUNTS, 2, 3));
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
        .withPlan(output(logits), planLogits, engine.tensor(PLAN_COUNTS, 2, 3))
        .backward();
    assertThat(Arrays.stream(gradient(planLogits).toDoubles())).allMatch(g -> g == 0);
  }

  @Test
  void staysFiniteForPlansThatAreCertain() {
    Tensor certain = engine.full(DType.F32, Shape.of(2, 3, BITS), 100).requireGrad();
    VaeLoss.Terms terms =
        loss(0, 1)
            .withPlan(output(normal(2, 3, VOCABULARY)), certain, engine.tensor(PLAN_COUNTS, 2, 3));
    terms.backward();
    assertThat((double) Objects.requireNonNull(terms.kl()).item())
        .isCloseTo(PLANS * BITS * Math.log(2), Offset.offset(1e-4));
    assertThat(Arrays.stream(gradient(certain).toDoubles())).allMatch(Double::isFinite);
  }

  @Test
  void isPlainCrossEntropyWithoutAPlan() {
    Tensor logits = normal(2, 3, VOCABULARY);
    VaeLoss.Terms terms = loss(1, 1).withoutPlan(output(logits));
    double sum = crossEntropies(logits.toDoubles());
    assertThat((double) terms.loss().item()).isCloseTo(sum / TOKENS, Offset.offset(1e-5));
    assertThat(terms.kl()).isNull();
    assertThat(terms.klPerBit()).isNull();
  }

  private VaeLoss drawnTo(double kl, double weight) {
    return new VaeLoss(
        engine.full(DType.F64, Shape.of(), 1.0 / TOKENS),
        engine.full(DType.F64, Shape.of(), 1.0 / PLANS),
        engine.full(DType.F64, Shape.of(), 100),
        engine.full(DType.F64, Shape.of(), 1),
        new VaeLoss.TargetKl(kl, weight),
        null);
  }

  /** Two texts of three positions; the second text's last plan does not count. */
  private VaeLoss.Terms drawnTo(double kl, double weight, Tensor planLogits) {
    return drawnTo(kl, weight)
        .withPlan(
            output(engine.zeros(2, 3, VOCABULARY).to(DType.F64)),
            planLogits,
            engine.tensor(PLAN_COUNTS, 2, 3).to(DType.F64));
  }

  private Tensor planLogits(double... scores) {
    return engine.tensor(scores, 2, 3, BITS);
  }

  private double[] scores(double deviation) {
    return random.doubles(ROWS * BITS).map(u -> deviation * (2 * u - 1)).toArray();
  }

  private static double distance(double[] scores, int text, double target) {
    double sum = 0;
    for (int n = 3 * text; n < 3 * text + 3; n++) {
      double position = -target;
      for (int h = 0; h < BITS; h++) {
        position += kl(scores[n * BITS + h]);
      }
      sum += PLAN_COUNTS[n] * position;
    }
    return Math.abs(sum);
  }

  /** Once above the target and once below it. */
  @ParameterizedTest
  @CsvSource({"0.1, 3", "0.9, 0.5"})
  void addsEachTextsDistanceFromTheTargetKl(double target, double deviation) {
    double[] scores = scores(deviation);
    double reconstruction = TOKENS * Math.log(VOCABULARY);
    double expected =
        reconstruction / TOKENS
            + 0.7 * (distance(scores, 0, target) + distance(scores, 1, target)) / PLANS;
    assertThat(drawnTo(target, 0.7, planLogits(scores)).loss().toDoubles()[0])
        .isCloseTo(expected, Offset.offset(1e-12));
  }

  @ParameterizedTest
  @CsvSource({"0.1, 3", "0.9, 0.5"})
  void theGradientOfTheTargetKlIsItsDifferenceQuotient(double target, double deviation) {
    double[] scores = scores(deviation);
    Tensor planLogits = planLogits(scores).requireGrad();
    drawnTo(target, 0.7, planLogits).backward();
    double[] found = gradient(planLogits).toDoubles();
    double step = 1e-6;
    for (int i = 0; i < scores.length; i++) {
      double[] more = scores.clone();
      double[] less = scores.clone();
      more[i] += step;
      less[i] -= step;
      double quotient =
          (drawnTo(target, 0.7, planLogits(more)).loss().toDoubles()[0]
                  - drawnTo(target, 0.7, planLogits(less)).loss().toDoubles()[0])
              / (2 * step);
      assertThat(found[i]).isCloseTo(quotient, Offset.offset(1e-8));
    }
  }

  @Test
  void aPlanUnderItsTargetIsPushedBackIntoUse() {
    double[] scores = scores(0.5);
    Tensor planLogits = planLogits(scores).requireGrad();
    drawnTo(0.9, 1, planLogits).backward();
    double[] gradient = gradient(planLogits).toDoubles();
    for (int i = 0; i < 5 * BITS; i++) {
      assertThat(gradient[i] * scores[i]).isNegative();
    }
  }
}
