package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;

/**
 * Numbers of 16 bits, bf16 and f16, on their way to and from f32 vectors. Widening is exact,
 * narrowing rounds to nearest, ties to even; both are arithmetic on bits, so that they give the
 * same on every machine (after F. Giesen's float_to_half_fast3_rtne). Positions are in bytes.
 */
final class Halves {
  /** Bytes of a number. */
  static final int BYTES = Short.BYTES;

  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(INTS.vectorBitSize() / 2));

  private static final int INFINITY = 0x7f80_0000;
  private static final int QUIET = 0x40;

  // f16: 5 bits of exponent and 10 of fraction, where f32 has 8 and 23.
  private static final int EXPONENT_MASK = 0x7c00 << 13;
  private static final int REBIAS = (127 - 15) << 23;
  private static final int SMALLEST_NORMAL = (127 - 14) << 23;
  private static final int FIRST_TOO_LARGE = (127 + 16) << 23;
  private static final int HALF_INFINITY = 0x7c00;
  private static final int HALF_NAN = 0x7e00;

  // Adding this to a number below the normal ones moves its bits to where f16 has them.
  private static final int SUBNORMAL_MAGIC = (127 - 15 + 23 - 10 + 1) << 23;

  private Halves() {}

  /** Whether a type is one of those here. */
  static boolean are(DType type) {
    return type == DType.BF16 || type == DType.F16;
  }

  // ---- Vectors ----

  /** As many numbers as an f32 vector has lanes. */
  static FloatVector load(DType type, MemorySegment memory, long at) {
    IntVector bits =
        (IntVector)
            ShortVector.fromMemorySegment(SHORTS, memory, at, ORDER)
                .convertShape(ZERO_EXTEND_S2I, INTS, 0);
    return type == DType.BF16 ? bits.lanewise(LSHL, 16).reinterpretAsFloats() : fromF16(bits);
  }

  private static FloatVector fromF16(IntVector bits) {
    IntVector magnitude = bits.and(0x7fff).lanewise(LSHL, 13);
    IntVector exponent = magnitude.and(EXPONENT_MASK);
    IntVector normal = magnitude.add(REBIAS);
    IntVector infinite = normal.add((128 - 16) << 23);
    FloatVector subnormal =
        normal.add(1 << 23).reinterpretAsFloats().sub(Float.intBitsToFloat(SMALLEST_NORMAL));
    IntVector result =
        normal
            .blend(infinite, exponent.eq(EXPONENT_MASK))
            .blend(subnormal.reinterpretAsInts(), exponent.eq(0));
    IntVector sign = bits.and(0x8000).lanewise(LSHL, 16);
    return result.or(sign).reinterpretAsFloats();
  }

  /** Stores a vector's lanes as numbers of 16 bits. */
  static void store(FloatVector x, DType type, MemorySegment memory, long at) {
    IntVector bits = x.reinterpretAsInts();
    IntVector halves = type == DType.BF16 ? toBf16(bits) : toF16(bits);
    ((ShortVector) halves.convertShape(I2S, SHORTS, 0)).intoMemorySegment(memory, at, ORDER);
  }

  private static IntVector toBf16(IntVector bits) {
    IntVector upper = bits.lanewise(LSHR, 16);
    IntVector rounded = bits.add(0x7fff).add(upper.and(1)).lanewise(LSHR, 16);
    return rounded.blend(upper.or(QUIET), bits.and(0x7fff_ffff).compare(GT, INFINITY));
  }

  private static IntVector toF16(IntVector bits) {
    IntVector magnitude = bits.and(0x7fff_ffff);
    IntVector odd = magnitude.lanewise(LSHR, 13).and(1);
    IntVector normal = magnitude.add(0xfff - REBIAS).add(odd).lanewise(LSHR, 13);
    IntVector subnormal =
        magnitude
            .reinterpretAsFloats()
            .add(Float.intBitsToFloat(SUBNORMAL_MAGIC))
            .reinterpretAsInts()
            .sub(SUBNORMAL_MAGIC);
    IntVector result =
        normal
            .blend(subnormal, magnitude.compare(LT, SMALLEST_NORMAL))
            .blend(HALF_INFINITY, magnitude.compare(GE, FIRST_TOO_LARGE))
            .blend(HALF_NAN, magnitude.compare(GT, INFINITY));
    return result.or(bits.lanewise(LSHR, 16).and(0x8000));
  }

  // ---- Runs ----

  /** Widens {@code n} numbers into memory. */
  static void widen(
      DType type, MemorySegment from, long start, int n, MemorySegment to, long target) {
    int i = 0;
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      Lanes.store(load(type, from, start + 2L * i), to, target + 4L * i);
    }
    for (; i < n; i++) {
      to.set(Memory.FLOAT, target + 4L * i, get(type, from, start + 2L * i));
    }
  }

  /** Widens {@code n} numbers into an array. */
  static void widen(DType type, MemorySegment from, long start, int n, float[] to, int target) {
    int i = 0;
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      load(type, from, start + 2L * i).intoArray(to, target + i);
    }
    for (; i < n; i++) {
      to[target + i] = get(type, from, start + 2L * i);
    }
  }

  /** Narrows {@code n} numbers of f32. */
  static void narrow(
      MemorySegment from, long start, int n, DType type, MemorySegment to, long target) {
    int i = 0;
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      store(Lanes.load(from, start + 4L * i), type, to, target + 2L * i);
    }
    for (; i < n; i++) {
      set(type, to, target + 2L * i, from.get(Memory.FLOAT, start + 4L * i));
    }
  }

  /** Narrows {@code n} numbers of f32, or adds them to those that are there. */
  static void put(
      MemorySegment from,
      long start,
      int n,
      boolean add,
      DType type,
      MemorySegment to,
      long target) {
    if (add) {
      add(from, start, n, type, to, target);
    } else {
      narrow(from, start, n, type, to, target);
    }
  }

  private static void add(
      MemorySegment from, long start, int n, DType type, MemorySegment to, long target) {
    int i = 0;
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      FloatVector sum = Lanes.load(from, start + 4L * i).add(load(type, to, target + 2L * i));
      store(sum, type, to, target + 2L * i);
    }
    for (; i < n; i++) {
      float sum = from.get(Memory.FLOAT, start + 4L * i) + get(type, to, target + 2L * i);
      set(type, to, target + 2L * i, sum);
    }
  }

  // ---- Single numbers ----

  static float get(DType type, MemorySegment memory, long at) {
    short bits = memory.get(SHORT, at);
    return type == DType.BF16 ? BFloat16.toFloat(bits) : Float.float16ToFloat(bits);
  }

  static void set(DType type, MemorySegment memory, long at, float value) {
    short bits = type == DType.BF16 ? BFloat16.fromFloat(value) : Float.floatToFloat16(value);
    memory.set(SHORT, at, bits);
  }
}
