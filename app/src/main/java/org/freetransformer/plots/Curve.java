package org.freetransformer.plots;

import java.util.List;

/**
 * One line of a chart.
 *
 * @param name as the legend shows it
 * @param x ascending
 * @param y as many as x; NaN where there is no value
 */
public record Curve(String name, List<Double> x, List<Double> y) {
  /**
   * Checks the lengths.
   *
   * @throws IllegalArgumentException if they differ or there is no point
   */
  public Curve {
    x = List.copyOf(x);
    y = List.copyOf(y);
    if (x.size() != y.size() || x.isEmpty()) {
      throw new IllegalArgumentException(
          "curve %s has %d x and %d y; it needs as many of both, at least one"
              .formatted(name, x.size(), y.size()));
    }
  }
}
