package org.freetransformer.bench;

import java.util.List;
import java.util.Locale;

/** What stands under the rows of ranks: how they meet the project's bars, and what others keep. */
final class ShardRemarks {
  /** Share of the unsharded throughput that ranks must keep. */
  private static final double KEPT = 0.9;

  /** MPI's time from Java as a multiple of C's, at most. */
  private static final double MPI = 1.2;

  private static final String PEERS =
      """
      What another library keeps of its throughput when it goes to more ranks, as published:

      | | from | to | tokens per second and device | kept |
      |---|---|---|---|---|
      | torchtitan, FSDP2, Llama 3.1 8B | 8 H100 (one host) | 128 H100 | 5,762 → 5,605 | 97.3 % |
      | the same with torch.compile | 8 H100 | 128 H100 | 6,667 → 6,514 | 97.7 % |

      (Tables 1 and 3 of `benchmarks/llama3_h100_202412_torchtitan.md` in the repository
      pytorch/torchtitan. Those are other machines; the shares, not the rates, compare.)
      """;

  private ShardRemarks() {}

  /** Paragraphs in Markdown. */
  static List<String> of(List<Row> rows) {
    StringBuilder bars =
        new StringBuilder(
            """
            A step's limit is one engine of as many threads without ranks, a collective's a loop over as
            much memory, that of MPI's all-reduce the same call from C.

            | bar | wanted | found | spread |
            |---|---|---|---|
            """);
    for (Row row : rows) {
      if (row.name().startsWith("step ")) {
        String beside =
            "%d in-process ranks of 1 thread beside %d threads unsharded, %s"
                .formatted(row.threads(), row.threads(), row.name().substring("step ".length()));
        bars.append(line(beside, KEPT, row));
      } else if (row.name().startsWith(MpiAllReduce.NAME)) {
        bars.append(line(row.name() + " beside C", 1 / MPI, row));
      }
    }
    return List.of(bars.toString(), PEERS);
  }

  private static String line(String what, double wanted, Row row) {
    return String.format(
        Locale.ROOT,
        "| %s | ≥ %.2f | %.2f | %.0f%% |%n",
        what,
        wanted,
        row.ratioLimit(),
        100 * row.spread());
  }
}
