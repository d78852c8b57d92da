package org.freetransformer.tensor;

/** bfloat16 numbers: the upper 16 bits of an IEEE single. */
public final class BFloat16 {
  private BFloat16() {}

  /** The single that a bfloat16's bits stand for; exact. */
  public static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The nearest bfloat16, ties to even; what is too large becomes infinite, NaN stays NaN. */
  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40); // a quiet bit, so that dropped bits leave no infinity
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }
}
