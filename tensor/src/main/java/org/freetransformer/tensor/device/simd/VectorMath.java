package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.ABS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;

/**
 * Elementary functions on vectors of f32, as polynomials that stay in registers. The Vector API's
 * own lanewise functions call out to a native library, or fall back to one lane at a time.
 *
 * <p>Operations are counted here: C2 stops inlining in a method of some forty of them
 * (NodeCountInliningCutoff), and then every vector of its loop goes through the heap. So constants
 * are vectors made once, and a loop has room for one of these functions, not two.
 */
final class VectorMath {
  private static final FloatVector ZERO = constant(0);
  private static final FloatVector ONE = constant(1);
  private static final FloatVector INFINITE = constant(Float.POSITIVE_INFINITY);

  private static final FloatVector MINUS_INFINITE = INFINITE.neg();
  private static final FloatVector NOT_A_NUMBER = constant(Float.NaN);

  private static final FloatVector LOG2_E = constant(ScalarMath.LOG2_E);
  private static final FloatVector ROUNDER = constant(ScalarMath.ROUNDER);
  private static final FloatVector MINUS_LN2_HIGH = constant(ScalarMath.MINUS_LN2_HIGH);
  private static final FloatVector MINUS_LN2_LOW = constant(ScalarMath.MINUS_LN2_LOW);
  private static final FloatVector SMALLEST_OF_NORMAL = constant(ScalarMath.SMALLEST_OF_NORMAL);
  private static final FloatVector SMALLEST_OF_ANY = constant(-103.97208f);
  private static final FloatVector LARGEST = constant(88.72284f);
  private static final FloatVector EXP_6 = constant(ScalarMath.EXP_6);
  private static final FloatVector EXP_5 = constant(ScalarMath.EXP_5);
  private static final FloatVector EXP_4 = constant(ScalarMath.EXP_4);
  private static final FloatVector EXP_3 = constant(ScalarMath.EXP_3);
  private static final FloatVector EXP_2 = constant(ScalarMath.EXP_2);
  private static final FloatVector EXP_1 = constant(ScalarMath.EXP_1);

  private static final IntVector SQRT_HALF_BITS = constant(0.70710677f).reinterpretAsInts();
  private static final FloatVector SMALLEST_NORMAL = constant(Float.MIN_NORMAL);
  private static final FloatVector SUBNORMAL_SCALE = constant(0x1p23f);
  private static final FloatVector SUBNORMAL_EXPONENT = constant(23);
  private static final FloatVector LN2_HIGH = MINUS_LN2_HIGH.neg();
  private static final FloatVector LN2_LOW = MINUS_LN2_LOW.neg();
  private static final FloatVector LOG_8 = constant(0.070376836f);
  private static final FloatVector LOG_7 = constant(-0.1151461f);
  private static final FloatVector LOG_6 = constant(0.116769984f);
  private static final FloatVector LOG_5 = constant(-0.12420141f);
  private static final FloatVector LOG_4 = constant(0.14249323f);
  private static final FloatVector LOG_3 = constant(-0.16668057f);
  private static final FloatVector LOG_2 = constant(0.20000714f);
  private static final FloatVector LOG_1 = constant(-0.24999994f);
  private static final FloatVector LOG_0 = constant(0.3333333f);
  private static final FloatVector MINUS_HALF = constant(-0.5f);

  private static final FloatVector TANH_4 = constant(-0.0057049887f);
  private static final FloatVector TANH_3 = constant(0.020639088f);
  private static final FloatVector TANH_2 = constant(-0.053739715f);
  private static final FloatVector TANH_1 = constant(0.13331442f);
  private static final FloatVector TANH_0 = constant(-0.3333328f);
  private static final FloatVector TANH_NEAR = constant(0.390625f);

  private VectorMath() {}

  /**
   * e^x for x ≤ 0, as in a softmax: at most 2 ulp off, 0 at −∞, NaN at NaN; a result below the
   * smallest normal number is 0. Good up to x = 88 as well.
   */
  static FloatVector expOfNegative(FloatVector x) {
    FloatVector rounded = x.fma(LOG2_E, ROUNDER);
    FloatVector power = rounded.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
    return expOfRemainder(x, rounded.sub(ROUNDER))
        .mul(power)
        .blend(ZERO, x.compare(LT, SMALLEST_OF_NORMAL));
  }

  /** e^x, at most 2 ulp off at any x; 0 at −∞, NaN at NaN. */
  static FloatVector exp(FloatVector x) {
    FloatVector rounded = x.fma(LOG2_E, ROUNDER);
    // Two factors, because 2^n itself may be subnormal or infinite.
    IntVector n = rounded.reinterpretAsInts().lanewise(LSHL, 23).lanewise(ASHR, 23).sub(127);
    IntVector half = n.lanewise(ASHR, 1);
    FloatVector result =
        expOfRemainder(x, rounded.sub(ROUNDER)).mul(power(half)).mul(power(n.sub(half)));
    return result
        .blend(ZERO, x.compare(LT, SMALLEST_OF_ANY))
        .blend(INFINITE, x.compare(GT, LARGEST));
  }

  private static FloatVector power(IntVector n) {
    return n.add(127).lanewise(LSHL, 23).reinterpretAsFloats();
  }

  /** e^(x − n·ln 2), where the difference lies within ±ln 2 / 2: the Cephes polynomial. */
  private static FloatVector expOfRemainder(FloatVector x, FloatVector n) {
    FloatVector r = n.fma(MINUS_LN2_LOW, n.fma(MINUS_LN2_HIGH, x));
    FloatVector p = r.fma(EXP_6, EXP_5).fma(r, EXP_4).fma(r, EXP_3).fma(r, EXP_2).fma(r, EXP_1);
    return p.fma(r, ONE).fma(r, ONE);
  }

  /** e^−|x|, from which the functions below follow without overflow. */
  static FloatVector expOfMinusMagnitude(FloatVector x) {
    return expOfNegative(x.lanewise(ABS).neg());
  }

  /** Logistic function 1 / (1 + e^−x). */
  static FloatVector sigmoid(FloatVector x) {
    FloatVector e = expOfMinusMagnitude(x);
    return ONE.blend(e, x.compare(LT, ZERO)).div(e.add(ONE));
  }

  /** Hyperbolic tangent: a polynomial near 0, where (1 − e^−2|x|) / (1 + e^−2|x|) would cancel. */
  static FloatVector tanh(FloatVector x) {
    FloatVector e = expOfMinusMagnitude(x.add(x));
    FloatVector far = ONE.sub(e).div(e.add(ONE));
    far = far.blend(far.neg(), x.compare(LT, ZERO));
    FloatVector z = x.mul(x);
    FloatVector p = z.fma(TANH_4, TANH_3).fma(z, TANH_2).fma(z, TANH_1).fma(z, TANH_0);
    return far.blend(p.mul(z).fma(x, x), z.compare(LT, TANH_NEAR));
  }

  /** Natural logarithm; −∞ at 0, NaN below. */
  static FloatVector log(FloatVector x) {
    VectorMask<Float> subnormal = x.compare(LT, SMALLEST_NORMAL);
    FloatVector scaled = x.blend(x.mul(SUBNORMAL_SCALE), subnormal);
    FloatVector result = logOfNormal(scaled, ZERO.blend(SUBNORMAL_EXPONENT, subnormal));
    return result
        .blend(x, x.compare(EQ, INFINITE))
        .blend(MINUS_INFINITE, x.compare(EQ, ZERO))
        .blend(NOT_A_NUMBER, x.compare(GE, ZERO).not());
  }

  /** ln(1 + x) for 0 ≤ x ≤ 1: what rounding 1 + x lost is added back. */
  static FloatVector logOfOnePlus(FloatVector x) {
    FloatVector sum = x.add(ONE);
    FloatVector lost = x.sub(sum.sub(ONE));
    return lost.div(sum).add(logOfNormal(sum, ZERO));
  }

  /** ln x − scale·ln 2 for a normal number: the Cephes polynomial. */
  private static FloatVector logOfNormal(FloatVector x, FloatVector scale) {
    IntVector bits = x.reinterpretAsInts();
    // x = (1 + m)·2^e with 1 + m in [√½, √2).
    IntVector exponent = bits.sub(SQRT_HALF_BITS).lanewise(ASHR, 23);
    FloatVector m = bits.sub(exponent.lanewise(LSHL, 23)).reinterpretAsFloats().sub(ONE);
    FloatVector e = ((FloatVector) exponent.convert(I2F, 0)).sub(scale);
    FloatVector p = m.fma(LOG_8, LOG_7).fma(m, LOG_6).fma(m, LOG_5).fma(m, LOG_4);
    p = p.fma(m, LOG_3).fma(m, LOG_2).fma(m, LOG_1).fma(m, LOG_0);
    FloatVector square = m.mul(m);
    FloatVector tail = square.fma(MINUS_HALF, e.fma(LN2_LOW, p.mul(m).mul(square)));
    return e.fma(LN2_HIGH, m.add(tail));
  }

  private static FloatVector constant(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }
}
