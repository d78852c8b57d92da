package org.freetransformer.bench.oracle;

import java.util.SplittableRandom;

/**
 * An input that both sides get.
 *
 * @param values row-major
 * @param dims sizes
 * @param differentiable whether its gradient is compared as well
 */
@SuppressWarnings("ArrayRecordComponent") // never compared with another
record Operand(float[] values, int[] dims, boolean differentiable) {
  /** Normal random numbers, with a gradient. */
  static Operand normal(SplittableRandom random, int... dims) {
    float[] values = new float[size(dims)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return new Operand(values, dims, true);
  }

  /** Uniform random numbers from 0.2 to 2, with a gradient: for logarithms, roots and divisors. */
  static Operand positive(SplittableRandom random, int... dims) {
    float[] values = new float[size(dims)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(0.2, 2);
    }
    return new Operand(values, dims, true);
  }

  /** The same values multiplied by a number. */
  Operand times(double factor) {
    float[] scaled = values.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= (float) factor;
    }
    return new Operand(scaled, dims, differentiable);
  }

  /** The same values without a gradient. */
  Operand constant() {
    return new Operand(values, dims, false);
  }

  static int size(int... dims) {
    int size = 1;
    for (int dim : dims) {
      size *= dim;
    }
    return size;
  }
}
