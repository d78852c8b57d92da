package org.freetransformer.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.freetransformer.eval.Evaluation;
import org.junit.jupiter.api.Test;

/** The findings must say what the numbers show, whatever these are. */
class FindingsTest {

  private static RegimeResult result(
      Regime regime, double reconstruction, double kl, double sharedSpread, double possible) {
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
        new SampleStudy(List.of("_"), List.of("_"), 14, sharedSpread, 0.06, 0.06, possible);
    return new RegimeResult(regime, 1000, 300, 1, Map.of(), evaluation, study);
  }

  private static List<String> findings(double smallSpread, double hugePossible) {
    return Findings.ofAll(
        List.of(
            result(Regime.BASELINE, 0.301, 0, Double.NaN, 0.9),
            result(Regime.TINY, 0.298, 0.01, 13.5, 0.9),
            result(Regime.SMALL, 0.24, 0.0866, smallSpread, 0.9),
            result(Regime.LARGE, 0.11, 0.5, 1, 0.8),
            result(Regime.HUGE, 0.01, 1.25, 1, hugePossible)));
  }

  @Test
  void tellsThatThePlanHoldsThePositionOnlyIfItDoes() {
    assertThat(findings(1.9, 0.1).getFirst())
        .contains("the plan holds the position", "±1.9", "±14.0", "±13.5", "0.087");
    assertThat(findings(11, 0.1).getFirst()).contains("does not hold the position", "±11.0");
    assertThat(findings(Double.NaN, 0.1).getFirst()).contains("does not hold the position");
  }

  @Test
  void tellsOfGarbleOnlyIfThereIsSome() {
    assertThat(findings(2, 0.1).getLast())
        .contains("falls from 0.298 to 0.010", "rises from 0.308 to 1.260", "0.301", "0.297")
        .contains("90 % and 10 %", "gives garble");
    assertThat(findings(2, 0.9).getLast()).contains("is not seen in this run");
  }

  @Test
  void theQuickBoundIsJudgedByWhatSimplerModelsReach() {
    assertThat(quick(0.35)).contains("0.350", "clearly under the 0.587", "0.969");
    assertThat(quick(0.6)).contains("clearly under the 0.969", "not under the 0.587");
    assertThat(quick(0.95)).contains("is not clearly under the 0.969", "more steps");
  }

  private static String quick(double bound) {
    return Findings.ofQuick(result(Regime.QUICK, bound, 0, 13, 0.9)).getFirst();
  }
}
