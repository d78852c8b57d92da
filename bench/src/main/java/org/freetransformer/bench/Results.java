package org.freetransformer.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import org.freetransformer.bench.suite.Peers;
import org.jspecify.annotations.Nullable;

/**
 * All rows of a run, as a table, as JSON, and as a page of ratios.
 *
 * @param peers of all suites that were run
 * @param memory what training steps held
 * @param remarks paragraphs in Markdown, for the page
 */
record Results(
    Machine machine, Peers peers, List<Row> rows, List<StepMemory> memory, List<String> remarks) {
  private static final String LINE = "%-8s %-26s %7s  %-9s %9s %9s %9s %7s %7s %7s %7s %8s%n";

  /** Geometric mean of the ratios to the peer; empty if no row has one. */
  OptionalDouble geometricMean() {
    OptionalDouble logarithms =
        rows.stream().map(Row::ratioPeer).filter(Objects::nonNull).mapToDouble(Math::log).average();
    return logarithms.isPresent()
        ? OptionalDouble.of(Math.exp(logarithms.getAsDouble()))
        : OptionalDouble.empty();
  }

  /**
   * Headings of the table.
   *
   * @param peers who are named
   */
  static String header(Peers peers) {
    return LINE.formatted(
        "suite",
        "case",
        "threads",
        "unit",
        "ours",
        peers.rate(),
        "limit",
        peers.ratio(),
        peers.second(),
        "×limit",
        "spread",
        "B/call");
  }

  /** One line of the table. */
  static String line(Row row) {
    return LINE.formatted(
        row.suite(),
        row.name(),
        row.threads(),
        row.unit().label(),
        rate(row.ours()),
        rate(row.peer()),
        rate(row.limit()),
        ratio(row.ratioPeer()),
        ratio(row.ratioOther()),
        ratio(row.ratioLimit()),
        percent(row.spread()),
        Math.round(row.garbage()));
  }

  /** What stands under the table. */
  String footer() {
    OptionalDouble mean = geometricMean();
    if (mean.isEmpty()) {
      return peers == Peers.LIBRARIES
          ? "No row has a peer; libtorch: %s%n".formatted(machine.libtorch())
          : "No row has a peer: there was no %s%n".formatted(peers.rate());
    }
    long counted = rows.stream().filter(row -> row.ratioPeer() != null).count();
    return "Geometric mean of the ratios %s of %d rows, one for each number of threads: %s%n"
        .formatted(peers.ratio(), counted, ratio(mean.getAsDouble()));
  }

  /** The run as one JSON object. */
  String toJson() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("machine", machine.toMap());
    map.put("rows", rows.stream().map(Row::toMap).toList());
    OptionalDouble mean = geometricMean();
    map.put("geomean_ratio_peer", mean.isPresent() ? mean.getAsDouble() : null);
    map.put("step_memory", memory.stream().map(StepMemory::toMap).toList());
    map.put("remarks", remarks);
    try {
      return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(map) + "\n";
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /**
   * The run as a page that keeps: ratios, for absolute figures drift from hour to hour.
   *
   * @param picture a paragraph that shows a picture, or nothing
   */
  String toMarkdown(String command, String picture) {
    StringBuilder page = new StringBuilder();
    page.append("# %s\n\n".formatted(peers.title()));
    page.append("Written by `%s`; not edited by hand.\n\n".formatted(command));
    page.append(machine.describe()).append(".\n\n");
    page.append(peers.text()).append("\n");
    page.append(picture);
    page.append(
        """
        | suite | case | threads | %s | %s | ×limit | spread | B/call |
        |---|---|---|---|---|---|---|---|
        """
            .formatted(peers.ratio(), peers.secondInFull()));
    for (Row row : rows) {
      page.append(
          "| %s | %s | %d | %s | %s | %s | %s | %d |\n"
              .formatted(
                  row.suite(),
                  row.name(),
                  row.threads(),
                  ratio(row.ratioPeer()),
                  ratio(row.ratioOther()),
                  ratio(row.ratioLimit()),
                  percent(row.spread()),
                  Math.round(row.garbage())));
    }
    page.append("\n").append(footer());
    remarks.forEach(remark -> page.append("\n").append(remark));
    return page.toString();
  }

  private static String rate(@Nullable Double value) {
    if (value == null) {
      return "-";
    }
    return String.format(Locale.ROOT, value < 10 ? "%.2f" : "%.0f", value);
  }

  private static String ratio(@Nullable Double value) {
    return value == null ? "-" : String.format(Locale.ROOT, "%.2f", value);
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f%%", 100 * share);
  }
}
