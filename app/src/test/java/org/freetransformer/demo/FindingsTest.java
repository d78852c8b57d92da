package org.freetransformer.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.freetransformer.eval.Evaluation;
import org.junit.jupiter.api.Test;

/** The findings must say what the numbers show, whatever these are. */
class FindingsTest {

  private static RegimeResult result(
      Regime regime, double reconstruction, double kl, double near, double possible) {
    return result(regime, reconstruction, kl, new SampleStudy.Agreement(5, near, 0.06), possible);
  }

  private static RegimeResult result(
      Regime regime,
      double reconstruction,
      double kl,
      SampleStudy.Agreement shared,
      double possible) {
    Evaluation evaluation =
        new Evaluation(
            64,
            regime.hasPlan(),
            1,
            reconstruction,
            kl,
            new double[0],
            Double.NaN,
            Double.NaN,
            null);
    SampleStudy study =
        new SampleStudy(
            List.of("_"),
            List.of("_"),
            new SampleStudy.Agreement(14, 0.12, 0.06),
            shared,
            possible);
    return new RegimeResult(regime, 1000, 300, 1, Map.of(), evaluation, study);
  }

  private static List<String> findings(double smallNear, double hugePossible) {
    return findings(smallNear, 0.4, hugePossible);
  }

  private static List<String> findings(double smallNear, double largeNoise, double hugePossible) {
    SampleStudy.Agreement large = new SampleStudy.Agreement(1, 0.9, largeNoise);
    return Findings.ofAll(
        List.of(
            result(Regime.BASELINE, 0.301, 0, Double.NaN, 0.9),
            result(Regime.TINY, 0.298, 0.01, 0.15, 0.9),
            result(Regime.SMALL, 0.24, 0.0866, smallNear, 0.9),
            result(Regime.LARGE, 0.11, 0.5, large, 0.8),
            result(Regime.HUGE, 0.01, 1.25, 0.9, hugePossible)));
  }

  @Test
  void tellsThatThePlanHoldsThePositionOnlyIfItDoes() {
    assertThat(findings(0.9, 0.1).getFirst())
        .contains("the plan holds the position", "90 %", "12 %", "15 %", "0.087");
    assertThat(findings(0.4, 0.1).getFirst()).contains("does not fix it", "40 %");
    assertThat(findings(0.13, 0.1).getFirst()).contains("does not say where", "13 %");
    assertThat(findings(Double.NaN, 0.1).getFirst()).contains("does not say where");
  }

  @Test
  void tellsThatThePlanHoldsTheNoiseOnlyIfItDoes() {
    assertThat(findings(0.5, 0.4, 0.1).get(1))
        .contains("holds much of the noise", "40 %", "6 %", "90 %");
    assertThat(findings(0.5, 0.08, 0.1).get(1)).contains("does not hold the noise", "8 %");
  }

  @Test
  void tellsOfGarbleOnlyIfThereIsSome() {
    assertThat(findings(0.9, 0.1).getLast())
        .contains("falls from 0.298 to 0.010", "rises from 0.308 to 1.260", "0.301", "0.297")
        .contains("90 % and 10 %", "gives garble");
    assertThat(findings(0.9, 0.9).getLast()).contains("is not seen in this run");
  }

  @Test
  void theQuickBoundIsJudgedByWhatSimplerModelsReach() {
    assertThat(quick(0.35)).contains("0.350", "clearly under the 0.587", "0.969");
    assertThat(quick(0.6)).contains("clearly under the 0.969", "not under the 0.587");
    assertThat(quick(0.95)).contains("is not clearly under the 0.969", "more steps");
  }

  private static String quick(double bound) {
    return Findings.ofQuick(result(Regime.QUICK, bound, 0, 0.1, 0.9)).getFirst();
  }
}
