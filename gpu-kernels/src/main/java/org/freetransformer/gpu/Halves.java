package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Numbers of 16 bits in a kernel, made and read by arithmetic alone: TornadoVM has no bit casts,
 * and not every OpenCL device has a type of 16 bits.
 */
final class Halves {
  /** An operand's type in a kernel's args. */
  static final int F32 = 0;

  /** bfloat16. */
  static final int BF16 = 1;

  /** IEEE half. */
  static final int F16 = 2;

  private static final float MOST = 3.4028235e38f;

  private Halves() {}

  /** The number at a place among the floats or the halves, as the type says. */
  static float get(FloatArray floats, ShortArray halves, int type, int at) {
    float value = 0f;
    if (type == F32) {
      value = floats.get(at);
    } else {
      value = decoded(type, halves.get(at) & 0xFFFF);
    }
    return value;
  }

  /** The number that 16 bits stand for; infinite, where they stand for none. */
  static float decoded(int type, int bits) {
    int fractionBits = type == BF16 ? 7 : 10;
    int exponentMask = type == BF16 ? 0xFF : 0x1F;
    int exponent = (bits >> fractionBits) & exponentMask;
    int fraction = bits & ((1 << fractionBits) - 1);
    float x = fraction * (type == BF16 ? 0x1p-7f : 0x1p-10f);
    int power = 1;
    if (exponent != 0) {
      x += 1f;
      power = exponent;
    }
    power -= type == BF16 ? 127 : 15;
    // Up or down, never both: compilers with fast mathematics gather factors, and 2^128 is too
    // much.
    if (power >= 0) {
      x = x * powerOfTwo(power);
    } else {
      x = x / powerOfTwo(-power);
    }
    if (exponent == exponentMask) {
      x = Float.POSITIVE_INFINITY; // What is not a number, too: OpenCL C has no literal for that.
    }
    return (bits & 0x8000) != 0 ? -x : x;
  }

  /** The nearest number's 16 bits, ties to even; what is too large becomes infinite. */
  static int encoded(int type, float value) {
    int fractionBits = type == BF16 ? 7 : 10;
    int infinite = type == BF16 ? 0x7F80 : 0x7C00;
    float x = TornadoMath.abs(value);
    int bits = infinite | 1 << (fractionBits - 1); // Not a number, unless a comparison holds.
    if (x > MOST) {
      bits = infinite;
    } else if (x <= MOST) {
      bits = finite(type, fractionBits, infinite, x);
    }
    return value < 0f ? bits | 0x8000 : bits;
  }

  private static int finite(int type, int fractionBits, int infinite, float magnitude) {
    float x = magnitude;
    int exponent = 0;
    // x = magnitude / 2^exponent comes into [1, 2), unless it is 0 or below every normal f32.
    for (int step = 64; step > 0; step = step / 2) {
      float power = powerOfTwo(step);
      if (x >= power) {
        x = x / power;
        exponent += step;
      }
    }
    for (int step = 64; step > 0; step = step / 2) {
      float power = powerOfTwo(step);
      if (x * power < 2f) {
        x = x * power;
        exponent -= step;
      }
    }
    int biased = exponent + (type == BF16 ? 127 : 15);
    int hidden = 1 << fractionBits;
    if (biased < 1) { // Subnormal: no hidden bit, and the exponent of the least normal number.
      int shift = 1 - biased < 31 ? 1 - biased : 31;
      x = x / powerOfTwo(shift);
      biased = 0;
      hidden = 0;
    }
    float scaled = x * powerOfTwo(fractionBits);
    int whole = (int) scaled;
    float rest = scaled - whole;
    if (rest > 0.5f || (rest == 0.5f && (whole & 1) == 1)) {
      whole += 1;
    }
    int bits = (biased << fractionBits) + whole - hidden; // A carry makes the next exponent.
    return bits < infinite ? bits : infinite;
  }

  /** 2^n for n from 0 to 127. */
  private static float powerOfTwo(int n) {
    float power = (n & 1) != 0 ? 0x1p1f : 1f;
    power *= (n & 2) != 0 ? 0x1p2f : 1f;
    power *= (n & 4) != 0 ? 0x1p4f : 1f;
    power *= (n & 8) != 0 ? 0x1p8f : 1f;
    power *= (n & 16) != 0 ? 0x1p16f : 1f;
    power *= (n & 32) != 0 ? 0x1p32f : 1f;
    power *= (n & 64) != 0 ? 0x1p64f : 1f;
    return power;
  }
}
