package org.freetransformer.tensor.device;

/** Elementwise functions of two numbers. */
public enum BinaryFunction {
  /** a + b. */
  ADD,
  /** a − b. */
  SUBTRACT,
  /** a·b. */
  MULTIPLY,
  /** a / b. */
  DIVIDE,
  /** The larger one. */
  MAX,
  /** The smaller one. */
  MIN,
  /** 1 where a = b, else 0. */
  EQUAL,
  /** 1 where a ≠ b, else 0. */
  NOT_EQUAL,
  /** 1 where {@code a > b}, else 0. */
  GREATER,
  /** 1 where {@code a < b}, else 0. */
  LESS;

  /** Whether the result is 1 or 0. */
  public boolean isComparison() {
    return switch (this) {
      case EQUAL, NOT_EQUAL, GREATER, LESS -> true;
      case ADD, SUBTRACT, MULTIPLY, DIVIDE, MAX, MIN -> false;
    };
  }

  /** The value, in double precision. */
  public double value(double a, double b) {
    return switch (this) {
      case ADD -> a + b;
      case SUBTRACT -> a - b;
      case MULTIPLY -> a * b;
      case DIVIDE -> a / b;
      case MAX -> Math.max(a, b);
      case MIN -> Math.min(a, b);
      case EQUAL -> a == b ? 1 : 0;
      case NOT_EQUAL -> a != b ? 1 : 0;
      case GREATER -> a > b ? 1 : 0;
      case LESS -> a < b ? 1 : 0;
    };
  }
}
