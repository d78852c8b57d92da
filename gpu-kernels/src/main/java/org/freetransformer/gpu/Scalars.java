package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** What several kernels do with one number; the compiler inlines it. */
final class Scalars {
  private Scalars() {}

  /** Sets a number, or adds to it where {@code accumulate} is not 0. */
  static void put(FloatArray floats, int at, float value, int accumulate) {
    if (accumulate != 0) {
      floats.set(at, floats.get(at) + value);
    } else {
      floats.set(at, value);
    }
  }

  /** 1/(1 + e^−x), by way of numbers up to 1 alone: fast mathematics knows no infinity. */
  static float sigmoid(float x) {
    float e = TornadoMath.exp(-TornadoMath.abs(x));
    float larger = 1f / (1f + e);
    return x >= 0f ? larger : e * larger;
  }

  /** The larger one; NaN if one of them is, as far as a device's mathematics knows it. */
  static float max(float x, float y) {
    return x > y ? x : (x <= y ? y : x + y);
  }

  /** The smaller one; NaN as for {@link #max}. */
  static float min(float x, float y) {
    return x < y ? x : (x >= y ? y : x + y);
  }

  /** ln(1 + e^x), stable at any x. */
  static float softplus(float x) {
    float e = TornadoMath.exp(-TornadoMath.abs(x));
    // ln(1 + e) loses what of e is under 2^-24; its series does not.
    float log = e < 1e-3f ? e - 0.5f * e * e : TornadoMath.log(1f + e);
    return TornadoMath.max(0f, x) + log;
  }
}
