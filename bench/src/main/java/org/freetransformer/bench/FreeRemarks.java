package org.freetransformer.bench;

import java.util.List;
import java.util.Locale;
import org.freetransformer.bench.suite.FreeSuite;

/** What stands under the rows of Free Transformers: how their overhead meets the project's bar. */
final class FreeRemarks {
  private FreeRemarks() {}

  /** A paragraph in Markdown. */
  static String of(List<Row> rows) {
    StringBuilder bars =
        new StringBuilder(
            """
            The limit of a Free Transformer is the baseline with as many blocks, at the same work. It may take
            longer by 1/L for the encoder's block where plans are inferred, as they are in training, by the
            arithmetic of the mapper's gradient in training, and by 0.02.

            | work | overhead allowed | found | spread |
            |---|---|---|---|
            """);
    for (Row row : rows) {
      if (row.suite().equals(FreeSuite.NAME)) {
        bars.append(
            String.format(
                Locale.ROOT,
                "| %s, %d threads | ≤ %.2f | %.2f | %.0f%% |%n",
                row.name(),
                row.threads(),
                FreeSuite.overheadAllowed(row.name()),
                1 / row.ratioLimit() - 1,
                100 * row.spread()));
      }
    }
    return bars.toString();
  }
}
