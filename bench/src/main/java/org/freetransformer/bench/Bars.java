package org.freetransformer.bench;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.freetransformer.bench.suite.DecodeSuite;
import org.freetransformer.bench.suite.GemmSuite;
import org.jspecify.annotations.Nullable;

/** What stands under the rows of a run: how they meet the project's bars. */
final class Bars {
  private static final Set<String> PASSES =
      Set.of("attention", "rmsnorm", "swiglu", "rope", "cross-entropy", "adamw");

  private final List<Row> rows;
  private final boolean halfVectors;
  private final StringBuilder lines = new StringBuilder();

  private Bars(List<Row> rows, boolean halfVectors) {
    this.rows = rows;
    this.halfVectors = halfVectors;
  }

  /** A table in Markdown; empty if no row has a bar. */
  static String of(List<Row> rows) {
    StringBuilder all = new StringBuilder();
    boolean halfVectors = halfVectors(rows);
    rows.stream()
        .map(Row::threads)
        .distinct()
        .sorted()
        .forEach(threads -> {
          List<Row> same = rows.stream().filter(row -> row.threads() == threads).toList();
          Bars bars = new Bars(same, halfVectors);
          bars.products();
          bars.passes();
          bars.models();
          all.append(bars.lines);
        });
    if (all.isEmpty()) {
      return "";
    }
    return """
    Found is the geometric mean, and least the least of its rows. Large products are those whose three
    sides are 512 or more. The bars of products and of the step beside libtorch are 1.10 and 2.00, or
    2.00 and 3.00 where its large products stay below half of the limit, as they do with vectors of
    half the size. The limit of `bf16/f32` is our own product with f32. Garbage is in bytes, its figure
    the most of all rows.

    | bar | threads | wanted | found | least | rows |
    |---|---|---|---|---|---|
    %s\
    """
        .formatted(all);
  }

  private static boolean isLarge(Row row) {
    return is(row, "gemm") && GemmSuite.isLarge(row.name());
  }

  /** Whether none of libtorch's large products comes to half of the limit. */
  private static boolean halfVectors(List<Row> rows) {
    return rows.stream().anyMatch(Bars::isLarge)
        && rows.stream()
            .filter(Bars::isLarge)
            .allMatch(row -> {
              Double peer = row.ratioPeer();
              Double limit = row.ratioLimit();
              return peer != null && limit != null && limit / peer < 0.5;
            });
  }

  private void products() {
    add("large products, ×limit", "≥ 0.92", Bars::isLarge, Row::ratioLimit);
    add("large products, ×torch", halfVectors ? "≥ 2.00" : "≥ 1.10", Bars::isLarge, Row::ratioPeer);
    add("large products, ×OpenBLAS", "-", Bars::isLarge, Row::ratioOther);
    add("every product, ×torch", "each ≥ 0.90", row -> is(row, "gemm"), Row::ratioPeer);
  }

  private void passes() {
    add(
        "fused passes, ×torch",
        "each ≥ 1.30",
        row -> is(row, "kernels") && PASSES.contains(row.name()),
        Row::ratioPeer);
  }

  private void models() {
    for (Row row : rows) {
      Predicate<Row> alone = row::equals;
      String name = row.suite() + " " + row.name();
      switch (row.suite()) {
        case "step" -> {
          add(name + ", ×torch", halfVectors ? "≥ 3.00" : "≥ 2.00", alone, Row::ratioPeer);
          add(name + ", ×limit", "≥ 0.60", alone, Row::ratioLimit);
        }
        case "decode" -> {
          String wanted = DecodeSuite.wanted(row.name());
          if (!wanted.isEmpty()) {
            add(name + ", ×limit", wanted, alone, Row::ratioLimit);
          }
        }
        default -> {}
      }
    }
    add("generation, ×Jlama", "each > 1.00", row -> is(row, "jlama"), Row::ratioPeer);
    garbage(row -> is(row, "step") || (is(row, "free") && row.name().matches(".* plans?$")));
  }

  private static boolean is(Row row, String suite) {
    return row.suite().equals(suite);
  }

  private void add(
      String bar, String wanted, Predicate<Row> which, Function<Row, @Nullable Double> ratio) {
    List<Row> counted =
        rows.stream().filter(which).filter(row -> ratio.apply(row) != null).toList();
    if (counted.isEmpty()) {
      return;
    }
    Function<Row, Double> known = row -> Objects.requireNonNull(ratio.apply(row));
    double mean =
        Math.exp(
            counted.stream().mapToDouble(row -> Math.log(known.apply(row))).average().orElse(0));
    Row least = counted.stream().min(Comparator.comparing(known)).orElseThrow();
    String of = counted.size() == 1 ? "" : " (%s)".formatted(least.name());
    line(bar, wanted, decimals(mean), decimals(known.apply(least)) + of, counted);
  }

  private void garbage(Predicate<Row> which) {
    List<Row> counted = rows.stream().filter(which).toList();
    counted.stream()
        .max(Comparator.comparingDouble(Row::garbage))
        .ifPresent(most ->
            line(
                "garbage of a step, the most (%s)".formatted(most.name()),
                "0",
                Long.toString(Math.round(most.garbage())),
                "",
                counted));
  }

  private void line(String bar, String wanted, String found, String least, List<Row> counted) {
    int threads = counted.getFirst().threads();
    lines.append(
        "| %s | %d | %s | %s | %s | %d |\n"
            .formatted(bar, threads, wanted, found, least, counted.size()));
  }

  private static String decimals(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
  }
}
