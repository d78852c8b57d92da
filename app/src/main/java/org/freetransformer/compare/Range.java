package org.freetransformer.compare;

import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What several seeds gave.
 *
 * @param mean of all
 * @param min smallest
 * @param max largest
 */
public record Range(double mean, double min, double max) {
  /**
   * The range of some values.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Range of(List<Double> values) {
    if (values.isEmpty()) {
      throw new IllegalArgumentException("no values: a range needs at least one");
    }
    DoubleSummaryStatistics summary =
        values.stream().mapToDouble(Double::doubleValue).summaryStatistics();
    return new Range(summary.getAverage(), summary.getMin(), summary.getMax());
  }

  /** Whether every value here is below every value there. */
  boolean isBelow(Range other) {
    return max < other.min;
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("mean", mean);
    map.put("min", min);
    map.put("max", max);
    return map;
  }

  /** Such as {@code 1.6210 (1.6150 to 1.6290)}. */
  String text() {
    return "%.4f (%.4f to %.4f)".formatted(mean, min, max);
  }
}
