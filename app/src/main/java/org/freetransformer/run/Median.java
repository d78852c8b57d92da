package org.freetransformer.run;

import java.util.List;

/** The value in the middle: what a few outliers do not move. */
public final class Median {
  private Median() {}

  /**
   * The median; of an even number of values the mean of the two in the middle.
   *
   * @param values at least one, in any order
   * @throws IllegalArgumentException if there is none
   */
  public static double of(List<? extends Number> values) {
    if (values.isEmpty()) {
      throw new IllegalArgumentException("no values have no median");
    }
    double[] sorted = values.stream().mapToDouble(Number::doubleValue).sorted().toArray();
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}
