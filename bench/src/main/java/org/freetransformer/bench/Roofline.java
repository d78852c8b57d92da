package org.freetransformer.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import org.freetransformer.bench.suite.Unit;
import org.freetransformer.plots.RooflineChart;
import org.freetransformer.plots.RooflineChart.Point;

/**
 * The cases of one number of threads below the machine's limits, as those were measured beside
 * them: the fastest loop of multiply-adds, and the loop over most memory, for those over less may
 * find it in a cache.
 */
record Roofline(int threads, double peak, double bandwidth, List<Row> rows) {
  /** That of all rows with the most threads; empty if one of the limits was not measured. */
  static List<Roofline> of(List<Row> all) {
    int threads = all.stream().mapToInt(Row::threads).max().orElse(0);
    List<Row> rows = all.stream().filter(row -> row.threads() == threads).toList();
    OptionalDouble peak =
        rows.stream().filter(row -> row.unit() == Unit.GFLOPS).mapToDouble(Row::limit).max();
    OptionalDouble bandwidth =
        rows.stream()
            .filter(row -> row.unit() == Unit.GIGABYTES)
            .max(Comparator.comparingDouble(Row::amount))
            .map(row -> OptionalDouble.of(row.limit()))
            .orElse(OptionalDouble.empty());
    List<Row> known = rows.stream().filter(row -> row.intensity() > 0).toList();
    return peak.isPresent() && bandwidth.isPresent() && !known.isEmpty()
        ? List.of(new Roofline(threads, peak.getAsDouble(), bandwidth.getAsDouble(), known))
        : List.of();
  }

  /**
   * Draws it into a PNG file.
   *
   * @param place what was measured on
   * @param peer who was measured beside
   */
  void write(Path file, String place, String peer) throws IOException {
    List<Point> ours = new ArrayList<>();
    List<Point> theirs = new ArrayList<>();
    for (Row row : rows) {
      ours.add(point(row, row.ours()));
      if (row.peer() != null) {
        theirs.add(point(row, row.peer()));
      }
    }
    new RooflineChart(place, peak, bandwidth)
        .add("this project", ours)
        .add(peer, theirs)
        .write(file);
  }

  private static Point point(Row row, double rate) {
    double speed = row.unit() == Unit.GIGABYTES ? rate * row.intensity() : rate;
    return new Point(row.intensity(), speed);
  }
}
