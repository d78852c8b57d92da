package org.freetransformer.tensor.device.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on vectors of f32, as polynomials that stay in registers. The Vector API's
 * own lanewise functions call out to a native library, or fall back to one lane at a time.
 */
final class VectorMath {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;

  private static final float LOG2_E = 1.442695f;
  // ln 2 in two parts: n·LN2_HIGH is exact for |n| < 2^9.
  private static final float LN2_HIGH = 0.6933594f;
  private static final float LN2_LOW = -0.00021219444f;
  // Adding 1.5·2^23 rounds to an integer, which then stands in the low bits.
  private static final float ROUNDER = 12582912f;
  private static final int ROUNDER_BITS = 0x4B400000;
  private static final float EXP_OVERFLOW = 88.72284f;
  private static final float EXP_UNDERFLOW = -103.97208f;
  private static final float EXP_SUBNORMAL = -87.33654f;
  private static final float SQRT_HALF = 0.70710677f;
  private static final float SMALLEST_NORMAL = Float.MIN_NORMAL;

  private VectorMath() {}

  /** e^x, at most 2 ulp off at any x; 0 at −∞, NaN at NaN. */
  static FloatVector exp(FloatVector x) {
    FloatVector rounded = x.mul(LOG2_E).add(ROUNDER);
    IntVector n = rounded.reinterpretAsInts().sub(ROUNDER_BITS);
    FloatVector power = expOfRemainder(x, rounded.sub(ROUNDER));
    // Two factors, because 2^n itself may be subnormal or infinite.
    IntVector half = n.lanewise(VectorOperators.ASHR, 1);
    FloatVector result = power.mul(powerOfTwo(half)).mul(powerOfTwo(n.sub(half)));
    return result
        .blend(0f, x.compare(VectorOperators.LT, EXP_UNDERFLOW))
        .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, EXP_OVERFLOW));
  }

  /**
   * e^x for x ≤ 0, as in a softmax: like {@link #exp}, but a result below the smallest normal
   * number is 0.
   */
  static FloatVector expOfNegative(FloatVector x) {
    FloatVector rounded = x.mul(LOG2_E).add(ROUNDER);
    IntVector n = rounded.reinterpretAsInts().sub(ROUNDER_BITS);
    FloatVector power = expOfRemainder(x, rounded.sub(ROUNDER));
    return power.mul(powerOfTwo(n)).blend(0f, x.compare(VectorOperators.LT, EXP_SUBNORMAL));
  }

  /** e^(x − n·ln 2), where the difference lies within ±ln 2 / 2: the Cephes polynomial. */
  private static FloatVector expOfRemainder(FloatVector x, FloatVector n) {
    FloatVector r = n.fma(constant(-LN2_LOW), n.fma(constant(-LN2_HIGH), x));
    FloatVector p = r.fma(constant(0.00019875691f), constant(0.0013981999f));
    p = p.fma(r, constant(0.008333452f));
    p = p.fma(r, constant(0.041665796f));
    p = p.fma(r, constant(0.16666666f));
    p = p.fma(r, constant(0.5f));
    return p.fma(r.mul(r), r).add(1f);
  }

  private static FloatVector powerOfTwo(IntVector n) {
    return n.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
  }

  /** Natural logarithm; −∞ at 0, NaN below. */
  static FloatVector log(FloatVector x) {
    VectorMask<Float> subnormal = x.compare(VectorOperators.LT, SMALLEST_NORMAL);
    IntVector bits = x.mul(x.broadcast(0x1p23f), subnormal).reinterpretAsInts();
    // x = m·2^e with m in [√½, √2).
    IntVector shifted = bits.sub(Float.floatToRawIntBits(SQRT_HALF));
    IntVector exponent = shifted.lanewise(VectorOperators.ASHR, 23);
    FloatVector m =
        bits.sub(exponent.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats().sub(1f);
    FloatVector e = (FloatVector) exponent.convert(VectorOperators.I2F, 0);
    e = e.sub(e.broadcast(23f), subnormal);
    FloatVector result = logOfMantissa(m, e);
    return result
        .blend(x, x.compare(VectorOperators.EQ, Float.POSITIVE_INFINITY))
        .blend(Float.NEGATIVE_INFINITY, x.compare(VectorOperators.EQ, 0f))
        .blend(Float.NaN, x.compare(VectorOperators.GE, 0f).not());
  }

  /** ln(1 + m) + e·ln 2: the Cephes polynomial. */
  private static FloatVector logOfMantissa(FloatVector m, FloatVector e) {
    FloatVector p = m.fma(constant(0.070376836f), constant(-0.1151461f));
    p = p.fma(m, constant(0.116769984f));
    p = p.fma(m, constant(-0.12420141f));
    p = p.fma(m, constant(0.14249323f));
    p = p.fma(m, constant(-0.16668057f));
    p = p.fma(m, constant(0.20000714f));
    p = p.fma(m, constant(-0.24999994f));
    p = p.fma(m, constant(0.3333333f));
    FloatVector square = m.mul(m);
    FloatVector tail = p.mul(m).mul(square);
    tail = e.fma(constant(LN2_LOW), tail);
    tail = square.fma(constant(-0.5f), tail);
    return e.fma(constant(LN2_HIGH), m.add(tail));
  }

  /** 1 / (1 + e^−x). */
  static FloatVector sigmoid(FloatVector x) {
    return constant(1f).div(exp(x.neg()).add(1f));
  }

  /** Hyperbolic tangent: a polynomial near 0, where 1 − 2/(e^2x + 1) would cancel. */
  static FloatVector tanh(FloatVector x) {
    FloatVector z = x.mul(x);
    FloatVector p = z.fma(constant(-0.0057049887f), constant(0.020639088f));
    p = p.fma(z, constant(-0.053739715f));
    p = p.fma(z, constant(0.13331442f));
    p = p.fma(z, constant(-0.3333328f));
    FloatVector near = p.mul(z).fma(x, x);
    FloatVector far = constant(1f).sub(constant(2f).div(exp(x.add(x)).add(1f)));
    return far.blend(near, z.compare(VectorOperators.LT, 0.390625f));
  }

  /** ln(1 + e^x), stable at any x. */
  static FloatVector softplus(FloatVector x) {
    FloatVector magnitude = x.lanewise(VectorOperators.ABS);
    FloatVector rest = logOfOnePlus(exp(magnitude.neg()));
    return x.blend(0f, x.compare(VectorOperators.LT, 0f)).add(rest);
  }

  /** ln(1 + x) for 0 ≤ x ≤ 1: what rounding 1 + x lost is added back. */
  static FloatVector logOfOnePlus(FloatVector x) {
    FloatVector sum = x.add(1f);
    FloatVector lost = x.sub(sum.sub(1f));
    return lost.div(sum).add(log(sum));
  }

  private static FloatVector constant(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }

  /** Ints in lanes, as floats. */
  static FloatVector toFloats(IntVector x) {
    return (FloatVector) x.convertShape(VectorOperators.I2F, SPECIES, 0);
  }

  /** How many lanes an int vector of the same shape has. */
  static int lanes() {
    return INTS.length();
  }
}
