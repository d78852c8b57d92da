package org.freetransformer.tensor.device;

/** How many numbers become one. */
public enum ReduceFunction {
  /** Σ x. */
  SUM,
  /** Σ x². */
  SUM_OF_SQUARES,
  /** The largest. */
  MAX;

  /** The result over no numbers. */
  public double identity() {
    return this == MAX ? Double.NEGATIVE_INFINITY : 0;
  }

  /** One more number taken in. */
  public double combine(double accumulated, double x) {
    return switch (this) {
      case SUM -> accumulated + x;
      case SUM_OF_SQUARES -> accumulated + x * x;
      case MAX -> Math.max(accumulated, x);
    };
  }
}
