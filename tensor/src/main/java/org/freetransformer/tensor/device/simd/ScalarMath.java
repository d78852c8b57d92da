package org.freetransformer.tensor.device.simd;

/**
 * {@link VectorMath} for one number: the same operations in the same order, and so the same bits.
 * Its constants are kept here.
 */
final class ScalarMath {
  static final float LOG2_E = 1.442695f;
  // Adding 1.5·2^23 rounds to an integer, which then stands in the low bits: with the exponent's
  // bias, and shifted to the exponent's place, it is the power of two.
  static final float ROUNDER = 12583039f;
  // −ln 2 in two parts: n times the first is exact for |n| < 2^9.
  static final float MINUS_LN2_HIGH = -0.6933594f;
  static final float MINUS_LN2_LOW = 2.1219444e-4f;
  static final float SMALLEST_OF_NORMAL = -87.33654f;
  static final float EXP_6 = 0.00019875691f;
  static final float EXP_5 = 0.0013981999f;
  static final float EXP_4 = 0.008333452f;
  static final float EXP_3 = 0.041665796f;
  static final float EXP_2 = 0.16666666f;
  static final float EXP_1 = 0.5f;

  private ScalarMath() {}

  /** {@link VectorMath#expOfNegative}. */
  static float expOfNegative(float x) {
    float rounded = Math.fma(x, LOG2_E, ROUNDER);
    float power = Float.intBitsToFloat(Float.floatToRawIntBits(rounded) << 23);
    float n = rounded - ROUNDER;
    float r = Math.fma(n, MINUS_LN2_LOW, Math.fma(n, MINUS_LN2_HIGH, x));
    float p = Math.fma(r, EXP_6, EXP_5);
    p = Math.fma(p, r, EXP_4);
    p = Math.fma(p, r, EXP_3);
    p = Math.fma(p, r, EXP_2);
    p = Math.fma(p, r, EXP_1);
    float result = Math.fma(Math.fma(p, r, 1f), r, 1f) * power;
    return x < SMALLEST_OF_NORMAL ? 0f : result;
  }

  /** {@link VectorMath#sigmoid}. */
  static float sigmoid(float x) {
    float e = expOfNegative(-Math.abs(x));
    return (x < 0f ? e : 1f) / (e + 1f);
  }

  /** {@link Lanes#sum}, of lanes in an array, which is overwritten. */
  static float sum(float[] lanes, int count) {
    for (int left = count / 2; left >= 1; left /= 2) {
      for (int i = 0; i < left; i++) {
        lanes[i] += lanes[i + left];
      }
    }
    return lanes[0];
  }
}
