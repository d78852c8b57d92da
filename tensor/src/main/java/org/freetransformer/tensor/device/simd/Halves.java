package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;
import static org.freetransformer.tensor.device.simd.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
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
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(INTS.vectorBitSize() / 2));

  private static final int INFINITY = 0x7f80_0000;
  private static final int QUIET = 0x40;

  // f16: 5 bits of exponent and 10 of fraction, where f32 has 8 and 23.
  private static final int REBIAS = (127 - 15) << 23;
  private static final int SMALLEST_NORMAL = (127 - 14) << 23;
  private static final int HALF_INFINITY = 0x7c00;
  private static final int HALF_NAN = 0x7e00;

  // Adding this to a number below the normal ones moves its bits to where f16 has them.
  private static final int SUBNORMAL_MAGIC = (127 - 15 + 23 - 10 + 1) << 23;

  private Halves() {}

  /** Whether a type is one of those here. */
  static boolean are(DType type) {
    return type == DType.BF16 || type == DType.F16;
  }

  // ---- Runs ----

  /** Widens {@code n} numbers. */
  static void widen(
      DType type, MemorySegment from, long start, int n, MemorySegment to, long target) {
    widen(type, from, start, n, false, to, target);
  }

  /**
   * Narrows {@code n} numbers of f32, or adds them to those that are there; then the sums, before
   * they are rounded, take the numbers' place.
   */
  static void put(
      MemorySegment from,
      long start,
      int n,
      boolean add,
      DType type,
      MemorySegment to,
      long target) {
    if (add) {
      widen(type, to, target, n, true, from, start);
    }
    int whole = Lanes.whole(n);
    if (type == DType.BF16) {
      narrowBf16(from, start, whole, to, target);
    } else {
      narrowF16(from, start, whole, to, target);
    }
    for (int i = whole; i < n; i++) {
      set(type, to, target + 2L * i, from.get(Memory.FLOAT, start + 4L * i));
    }
  }

  private static void widen(
      DType type,
      MemorySegment from,
      long start,
      int n,
      boolean add,
      MemorySegment to,
      long target) {
    int whole = Lanes.whole(n);
    if (type == DType.BF16) {
      widenBf16(from, start, whole, add, to, target);
    } else {
      widenF16(from, start, whole, add, to, target);
    }
    for (int i = whole; i < n; i++) {
      long at = target + 4L * i;
      float x = get(type, from, start + 2L * i);
      to.set(Memory.FLOAT, at, add ? to.get(Memory.FLOAT, at) + x : x);
    }
  }

  // Whole vectors. Each loop is for one type and calls nothing that gives a vector back: what is
  // not inlined, or where two types meet, a vector goes through the heap, thirty times as slow.

  private static void widenBf16(
      MemorySegment from, long start, int n, boolean add, MemorySegment to, long target) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector x =
          ((IntVector)
                  ShortVector.fromMemorySegment(SHORTS, from, start + 2L * i, ORDER)
                      .convertShape(ZERO_EXTEND_S2I, INTS, 0))
              .lanewise(LSHL, 16)
              .reinterpretAsFloats();
      long at = target + 4L * i;
      FloatVector y = add ? x.add(FloatVector.fromMemorySegment(Lanes.SPECIES, to, at, ORDER)) : x;
      Lanes.store(y, to, at);
    }
  }

  private static void narrowBf16(
      MemorySegment from, long start, int n, MemorySegment to, long target) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      IntVector bits = IntVector.fromMemorySegment(INTS, from, start + 4L * i, ORDER);
      IntVector upper = bits.lanewise(LSHR, 16);
      IntVector rounded = bits.add(0x7fff).add(upper.and(1)).lanewise(LSHR, 16);
      VectorMask<Integer> nan = bits.and(0x7fff_ffff).compare(GT, INFINITY);
      ((ShortVector) rounded.blend(upper.or(QUIET), nan).convertShape(I2S, SHORTS, 0))
          .intoMemorySegment(Lanes.offHeap(to), target + 2L * i, ORDER);
    }
  }

  private static void widenF16(
      MemorySegment from, long start, int n, boolean add, MemorySegment to, long target) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      IntVector bits =
          (IntVector)
              ShortVector.fromMemorySegment(SHORTS, from, start + 2L * i, ORDER)
                  .convertShape(ZERO_EXTEND_S2I, INTS, 0);
      IntVector magnitude = bits.and(0x7fff);
      IntVector normal = magnitude.lanewise(LSHL, 13).add(REBIAS);
      IntVector subnormal =
          normal
              .add(1 << 23)
              .reinterpretAsFloats()
              .sub(Float.intBitsToFloat(SMALLEST_NORMAL))
              .reinterpretAsInts();
      FloatVector x =
          normal
              .blend(normal.add((128 - 16) << 23), magnitude.compare(GE, HALF_INFINITY))
              .blend(subnormal, magnitude.compare(LT, 1 << 10))
              .or(bits.and(0x8000).lanewise(LSHL, 16))
              .reinterpretAsFloats();
      long at = target + 4L * i;
      FloatVector y = add ? x.add(FloatVector.fromMemorySegment(Lanes.SPECIES, to, at, ORDER)) : x;
      Lanes.store(y, to, at);
    }
  }

  private static void narrowF16(
      MemorySegment from, long start, int n, MemorySegment to, long target) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      IntVector bits = IntVector.fromMemorySegment(INTS, from, start + 4L * i, ORDER);
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
              .min(HALF_INFINITY)
              .blend(subnormal, magnitude.compare(LT, SMALLEST_NORMAL))
              .blend(HALF_NAN, magnitude.compare(GT, INFINITY))
              .or(bits.lanewise(LSHR, 16).and(0x8000));
      ((ShortVector) result.convertShape(I2S, SHORTS, 0))
          .intoMemorySegment(Lanes.offHeap(to), target + 2L * i, ORDER);
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
