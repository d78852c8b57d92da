package org.freetransformer.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.freetransformer.bench.suite.Unit;
import org.junit.jupiter.api.Test;

class BarsTest {
  /** Seconds of a call of each side, and bytes of garbage. */
  private static Row row(String suite, String name, double... of) {
    List<Row.Round> rounds = List.of(new Row.Round(of[0], of[1], of[2], of[3], of[4]));
    return Row.of(suite, name, 2, Unit.GFLOPS, 1, 0, rounds);
  }

  @Test
  void largeProductsStandAsTheirMeanAndTheirLeast() {
    List<Row> rows =
        List.of(
            row("gemm", "nt 1024x512x512", 1, 4, 2, 1, 0),
            row("gemm", "tn 1376x512x1024", 1, 1, 0.5, 0.25, 0),
            row("gemm", "nt 8x4096x4096", 1, 0.1, 1, 1, 0));
    assertThat(Bars.of(rows))
        .contains(
            "| large products, ×limit | 2 | ≥ 0.92 | 0.50 | 0.25 (tn 1376x512x1024) | 2 |\n",
            "| large products, ×torch | 2 | ≥ 2.00 | 2.00 | 1.00 (tn 1376x512x1024) | 2 |\n",
            "| large products, ×OpenBLAS | 2 | - | 1.00 | 0.50 (tn 1376x512x1024) | 2 |\n",
            "| every product, ×torch | 2 | each ≥ 0.90 | 0.74 | 0.10 (nt 8x4096x4096) | 3 |\n");
  }

  @Test
  void theBarBesideLibtorchIsHigherWhereItUsesHalfOfTheVectors() {
    Row step = row("step", "Llama 2.6M, B 4, T 128", 1, 3, 0, 1, 0);
    Row slow = row("gemm", "nt 1024x512x512", 1, 2.5, 0, 1, 0);
    Row fast = row("gemm", "tn 1376x512x1024", 1, 1.9, 0, 1, 0);
    assertThat(Bars.of(List.of(slow, step)))
        .contains("large products, ×torch | 2 | ≥ 2.00 |", "T 128, ×torch | 2 | ≥ 3.00 |");
    assertThat(Bars.of(List.of(slow, fast, step)))
        .contains("large products, ×torch | 2 | ≥ 1.10 |", "T 128, ×torch | 2 | ≥ 2.00 |");
  }

  @Test
  void passesStepsAndGenerationStandBesideTheirBars() {
    List<Row> rows =
        List.of(
            row("kernels", "rope", 1, 2, 0, 1, 0),
            row("kernels", "embedding", 1, 0.5, 0, 1, 0),
            row("step", "Llama 2.6M, B 4, T 128", 2, 3, 0, 1, 700),
            row("free", "L 12, D 256, all plans", 2, 0, 0, 1, 900),
            row("free", "L 4, D 512, a token", 2, 0, 0, 1, 5000),
            row("decode", "model B 1, bf16", 2, 0, 0, 1, 0),
            row("decode", "model B 8, bf16", 2, 0, 0, 1, 0),
            row("decode", "layer B 1, bf16/f32", 1, 0, 0, 1.9, 0));
    assertThat(Bars.of(rows))
        .contains(
            "| fused passes, ×torch | 2 | each ≥ 1.30 | 2.00 | 2.00 | 1 |\n",
            "| step Llama 2.6M, B 4, T 128, ×torch | 2 | ≥ 2.00 | 1.50 | 1.50 | 1 |\n",
            "| step Llama 2.6M, B 4, T 128, ×limit | 2 | ≥ 0.60 | 0.50 | 0.50 | 1 |\n",
            "| decode model B 1, bf16, ×limit | 2 | ≥ 0.90 | 0.50 | 0.50 | 1 |\n",
            "| decode layer B 1, bf16/f32, ×limit | 2 | ≥ 1.80 | 1.90 | 1.90 | 1 |\n",
            "| garbage of a step, the most (L 12, D 256, all plans) | 2 | 0 | 900 |  | 2 |\n")
        .doesNotContain("B 8", "embedding");
  }

  @Test
  void rowsWithoutABarHaveNoTable() {
    assertThat(Bars.of(List.of(row("kernels", "dropout", 1, 2, 0, 1, 0)))).isEmpty();
  }

  @Test
  void aFailureIsToldByTheLineThatNamesIt() {
    String said =
        """
        # Run progress
        java.lang.IllegalStateException: Jlama computes something else
        \tat a.b.C(C.java:1)
        # done

        """;
    assertThat(Measuring.reason(said))
        .isEqualTo("java.lang.IllegalStateException: Jlama computes something else");
    assertThat(Measuring.reason("one\ntwo\n")).isEqualTo("two");
    assertThat(Measuring.reason("")).isEqualTo("nothing was said");
  }
}
