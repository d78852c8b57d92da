package org.freetransformer.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.freetransformer.bench.suite.FreeSuite;
import org.freetransformer.bench.suite.Suites;
import org.freetransformer.bench.suite.Unit;
import org.junit.jupiter.api.Test;

class FreeRemarksTest {
  private static final String SAMPLED = "L 4, D 512, sampled plan";

  private static Row row(String suite, String name, double ours, double limit) {
    List<Row.Round> rounds = List.of(new Row.Round(ours, 0, 0, limit, 0));
    return Row.of(suite, name, 2, Unit.TOKENS, 1, 0, rounds);
  }

  @Test
  void theRemarkSaysHowMuchLongerAStepTakes() {
    List<Row> rows = List.of(row("step", "Llama", 1, 1), row("free", SAMPLED, 1.3, 1));
    assertThat(FreeRemarks.of(rows))
        .contains("| L 4, D 512, sampled plan, 2 threads | ≤ 0.27 | 0.30 | 0% |")
        .doesNotContain("Llama");
  }

  @Test
  void allPlansMayCostTheirProduct() {
    double without = FreeSuite.overheadAllowed(SAMPLED);
    assertThat(without).isCloseTo(1.0 / 4 + 0.02, within(1e-12));
    // 2·N·D·2^16 beside 6·N·(4·(4·D² + 3·D·F) + V·D) and attention's 6·L·D·N·(T + 1).
    double product = 2.0 * 512 * 65536;
    double matrices = 4 * (4.0 * 512 * 512 + 3.0 * 512 * 1376) + 8192.0 * 512;
    double baseline = 6 * matrices + 6.0 * 4 * 512 * 257;
    assertThat(FreeSuite.overheadAllowed("L 4, D 512, all plans"))
        .isCloseTo(without + product / baseline, within(1e-9));
  }

  @Test
  void everyCaseHasABar() {
    assertThat(Suites.named(FreeSuite.NAME).cases())
        .allSatisfy(name -> assertThat(FreeSuite.overheadAllowed(name)).isPositive());
  }
}
