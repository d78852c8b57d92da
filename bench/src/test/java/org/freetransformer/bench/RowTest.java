package org.freetransformer.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.freetransformer.bench.suite.Peers;
import org.freetransformer.bench.suite.Unit;
import org.junit.jupiter.api.Test;

class RowTest {
  private static final Machine MACHINE =
      new Machine("A CPU", 2, 512, "A JVM 25", "2.7.1", "none here", "", "");

  private static Row row(Row.Round... rounds) {
    return Row.of("gemm", "nt 1x2x3", 2, Unit.GFLOPS, 4e9, 5, List.of(rounds));
  }

  private static Row.Round round(double ours, double peer, double limit) {
    return new Row.Round(ours, peer, 0, limit, 0);
  }

  @Test
  void ratesAreWorkPerSecondOfTheMedianRound() {
    Row row = row(round(1, 2, 0.5), round(2, 4, 1), round(100, 200, 50));
    assertThat(row.ours()).isEqualTo(2);
    assertThat(row.peer()).isEqualTo(1);
    assertThat(row.limit()).isEqualTo(4);
    assertThat(row.ratioPeer()).isEqualTo(2);
    assertThat(row.ratioLimit()).isEqualTo(0.5);
  }

  @Test
  void ratiosComeFromRoundsSoThatSlowOnesDoNotTipThem() {
    Row row = row(round(1, 2, 1), round(10, 20, 10), round(1, 2, 1));
    assertThat(row.ratioPeer()).isEqualTo(2);
    assertThat(row.ratioLimit()).isEqualTo(1);
  }

  @Test
  void spreadIsTheMiddleHalfOfOurTimes() {
    Row row = row(round(1, 1, 1), round(2, 1, 1), round(3, 1, 1), round(4, 1, 1), round(50, 1, 1));
    assertThat(row.spread()).isCloseTo(2.0 / 3, within(1e-12));
  }

  @Test
  void withoutPeerThereAreNoRatiosToIt() {
    Row row = row(round(1, 0, 0.5));
    assertThat(row.peer()).isNull();
    assertThat(row.ratioPeer()).isNull();
    assertThat(
            new Results(MACHINE, Peers.LIBRARIES, List.of(row), List.of(), List.of())
                .geometricMean())
        .isEmpty();
  }

  @Test
  void theSecondPeerAndGarbageStandBesideTheRest() {
    Row row = row(new Row.Round(2, 2, 3, 1, 40), new Row.Round(2, 2, 5, 1, 48));
    assertThat(row.other()).isEqualTo(1); // 4e9 operations in 4 seconds
    assertThat(row.ratioOther()).isEqualTo(2);
    assertThat(row.garbage()).isEqualTo(44);
  }

  @Test
  void jsonHasTheKeysThatOthersRelyOn() throws Exception {
    Row fast = row(round(1, 4, 1));
    Row slow = row(round(1, 0.25, 1));
    Row even = row(round(1, 8, 1));
    JsonNode json =
        new ObjectMapper()
            .readTree(
                new Results(
                        MACHINE, Peers.LIBRARIES, List.of(fast, slow, even), List.of(), List.of())
                    .toJson());
    assertThat(json.get("geomean_ratio_peer").asDouble()).isCloseTo(2, within(1e-12));
    assertThat(json.get("machine").get("cpu").asText()).isEqualTo("A CPU");
    assertThat(json.get("rows").get(0).fieldNames())
        .toIterable()
        .contains(
            "suite",
            "case",
            "threads",
            "ours",
            "peer",
            "limit",
            "ratio_peer",
            "ratio_limit",
            "spread");
  }

  @Test
  void theFooterSaysWhatTheMeanIsOfOrWhoWasNotThere() {
    List<Row> rows = List.of(row(round(1, 4, 1)), row(round(1, 0, 1)), row(round(1, 1, 1)));
    assertThat(footer(Peers.LIBRARIES, rows))
        .isEqualTo(
            "Geometric mean of the ratios ×torch of 2 rows, one for each number of threads: 2.00%n"
                .formatted());
    assertThat(footer(Peers.LIBRARIES, List.of())).contains("libtorch: 2.7.1");
    assertThat(footer(Peers.JLAMA, List.of()))
        .isEqualTo("No row has a peer: there was no Jlama%n".formatted());
  }

  private static String footer(Peers peers, List<Row> rows) {
    return new Results(MACHINE, peers, rows, List.of(), List.of()).footer();
  }

  @Test
  void whereThereIsNoSecondPeerJsonHasNone() {
    Row row = Row.of("jlama", "x", 2, Unit.TOKENS, 1, 0, List.of(round(1, 2, 1)));
    assertThat(row.toMap()).doesNotContainKeys("openblas", "ratio_openblas", "", "ratio_");
    assertThat(row(round(1, 2, 1)).toMap()).containsKeys("openblas", "ratio_openblas");
  }

  @Test
  void aPictureNamesWhatComputed() {
    assertThat(MACHINE.place(2)).isEqualTo("2 threads of A CPU");
    Machine gpu = new Machine("A CPU", 2, 512, "A JVM", "2", "no", "cuda:0, A GPU", "PyTorch 9");
    assertThat(gpu.place(2)).isEqualTo("cuda:0, A GPU");
    assertThat(gpu.describe()).endsWith("; cuda:0, A GPU; PyTorch 9");
  }

  @Test
  void thePageNamesTheMachineAndHoldsRatios() {
    String page =
        new Results(
                MACHINE,
                Peers.LIBRARIES,
                List.of(row(round(1, 3, 0.5))),
                List.of(),
                List.of("A remark.\n"))
            .toMarkdown("./ft bench", "![](x.png)\n\n");
    assertThat(page)
        .contains(
            "A CPU",
            "512-bit",
            "`./ft bench`",
            "| gemm | nt 1x2x3 | 2 | 3.00 | - | 0.50 | 0% | 0 |")
        .endsWith("\nA remark.\n");
  }
}
