package org.freetransformer.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.List;
import org.freetransformer.bench.suite.Unit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ShardRowsTest {
  private static Row row(String name, double ours, double limit) {
    List<Row.Round> rounds = List.of(new Row.Round(ours, 0, 0, limit, 0));
    return Row.of("shard", name, 2, Unit.TOKENS, 1, 0, rounds);
  }

  @Test
  void theRemarksHoldRowsBesideTheirBars() {
    List<Row> rows =
        List.of(
            row("step full-shard", 1, 0.95),
            row("reduce-scatter", 1, 0.8),
            row("MPI all-reduce 64 KiB", 1, 0.9));
    assertThat(String.join("\n", ShardRemarks.of(rows)))
        .contains(
            "| 2 in-process ranks of 1 thread beside 2 threads unsharded, full-shard | ≥ 0.90 |"
                + " 0.95 | 0% |",
            "| MPI all-reduce 64 KiB beside C | ≥ 0.83 | 0.90 | 0% |", "97.3 %")
        .doesNotContain("reduce-scatter |");
  }

  @Tag("slow")
  @Test
  void ranksOfMpiAreTimedInJavaAndInC() throws IOException {
    assumeTrue(MpiAllReduce.whyMissing().isEmpty(), () -> MpiAllReduce.whyMissing().orElseThrow());
    List<Row> rows = MpiAllReduce.measure(2, new Effort(1, 0, 1, 0));
    assertThat(rows)
        .extracting(Row::name)
        .containsExactly(
            "MPI all-reduce 64 KiB",
            "MPI all-reduce 1 MiB",
            "MPI all-reduce 16 MiB",
            "MPI all-reduce 64 MiB");
    assertThat(rows).allSatisfy(row -> assertThat(row.ratioLimit()).isPositive());
  }
}
