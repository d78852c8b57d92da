package org.freetransformer.tensor.device;

/** Elementwise functions of one number, each with its derivative. */
public enum UnaryFunction {
  /** −x. */
  NEGATE,
  /** |x|; derivative 0 at 0. */
  ABS,
  /** e^x. */
  EXP,
  /** Natural logarithm. */
  LOG,
  /** √x. */
  SQRT,
  /** x². */
  SQUARE,
  /** 1/x. */
  RECIPROCAL,
  /** Hyperbolic tangent. */
  TANH,
  /** σ(x) = 1/(1 + e^−x). */
  SIGMOID,
  /** x·σ(x). */
  SILU,
  /** max(0, x); derivative 0 at 0. */
  RELU,
  /** ln(1 + e^x), stable at any x. */
  SOFTPLUS;

  /** The value at {@code x}, in double precision. */
  public double value(double x) {
    return switch (this) {
      case NEGATE -> -x;
      case ABS -> Math.abs(x);
      case EXP -> Math.exp(x);
      case LOG -> Math.log(x);
      case SQRT -> Math.sqrt(x);
      case SQUARE -> x * x;
      case RECIPROCAL -> 1 / x;
      case TANH -> Math.tanh(x);
      case SIGMOID -> sigmoid(x);
      case SILU -> x * sigmoid(x);
      case RELU -> Math.max(0, x);
      case SOFTPLUS -> Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));
    };
  }

  /** The derivative at {@code x}, in double precision. */
  public double derivative(double x) {
    return switch (this) {
      case NEGATE -> -1;
      case ABS -> Math.signum(x);
      case EXP -> Math.exp(x);
      case LOG -> 1 / x;
      case SQRT -> 0.5 / Math.sqrt(x);
      case SQUARE -> 2 * x;
      case RECIPROCAL -> -1 / (x * x);
      case TANH -> {
        double y = Math.tanh(x);
        yield 1 - y * y;
      }
      case SIGMOID -> sigmoid(x) * sigmoid(-x);
      case SILU -> sigmoid(x) * (1 + x * sigmoid(-x));
      case RELU -> x > 0 ? 1 : 0;
      case SOFTPLUS -> sigmoid(x);
    };
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
