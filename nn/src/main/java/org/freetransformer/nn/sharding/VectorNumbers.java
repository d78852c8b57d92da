package org.freetransformer.nn.sharding;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link Numbers} on the Vector API, as far as whole vectors go: each gives back how
 * many elements it did, and the same bits.
 *
 * <p>Each loop calls nothing that gives a vector back: what is not inlined goes through the heap.
 */
final class VectorNumbers {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(INTS.vectorBitSize() / 2));
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private static final int INFINITY = 0x7f80_0000;
  private static final int QUIET = 0x40;

  private VectorNumbers() {}

  /** {@code sum += term}. */
  static long add(MemorySegment sum, MemorySegment term) {
    long count = sum.byteSize() / Float.BYTES;
    long whole = FLOATS.loopBound(count);
    for (long i = 0; i < whole; i += FLOATS.length()) {
      FloatVector.fromMemorySegment(FLOATS, sum, 4 * i, ORDER)
          .add(FloatVector.fromMemorySegment(FLOATS, term, 4 * i, ORDER))
          .intoMemorySegment(sum, 4 * i, ORDER);
    }
    return whole;
  }

  /** {@code sum += rounded term}. */
  static long addRounded(MemorySegment sum, MemorySegment term) {
    long count = sum.byteSize() / Float.BYTES;
    long whole = FLOATS.loopBound(count);
    for (long i = 0; i < whole; i += FLOATS.length()) {
      IntVector bits = IntVector.fromMemorySegment(INTS, term, 4 * i, ORDER);
      IntVector upper = bits.lanewise(LSHR, 16);
      IntVector rounded = bits.add(0x7fff).add(upper.and(1)).lanewise(LSHR, 16);
      VectorMask<Integer> nan = bits.and(0x7fff_ffff).compare(GT, INFINITY);
      FloatVector.fromMemorySegment(FLOATS, sum, 4 * i, ORDER)
          .add(rounded.blend(upper.or(QUIET), nan).lanewise(LSHL, 16).reinterpretAsFloats())
          .intoMemorySegment(sum, 4 * i, ORDER);
    }
    return whole;
  }

  /** {@code sum += halves}, which are bf16. */
  static long addHalves(MemorySegment sum, MemorySegment halves) {
    long count = sum.byteSize() / Float.BYTES;
    long whole = FLOATS.loopBound(count);
    for (long i = 0; i < whole; i += FLOATS.length()) {
      IntVector bits =
          (IntVector)
              ShortVector.fromMemorySegment(SHORTS, halves, 2 * i, ORDER)
                  .convertShape(ZERO_EXTEND_S2I, INTS, 0);
      FloatVector.fromMemorySegment(FLOATS, sum, 4 * i, ORDER)
          .add(bits.lanewise(LSHL, 16).reinterpretAsFloats())
          .intoMemorySegment(sum, 4 * i, ORDER);
    }
    return whole;
  }

  /** {@code to = rounded from}; both may be the same. */
  static long round(MemorySegment from, MemorySegment to) {
    long count = to.byteSize() / Float.BYTES;
    long whole = FLOATS.loopBound(count);
    for (long i = 0; i < whole; i += FLOATS.length()) {
      IntVector bits = IntVector.fromMemorySegment(INTS, from, 4 * i, ORDER);
      IntVector upper = bits.lanewise(LSHR, 16);
      IntVector rounded = bits.add(0x7fff).add(upper.and(1)).lanewise(LSHR, 16);
      VectorMask<Integer> nan = bits.and(0x7fff_ffff).compare(GT, INFINITY);
      rounded.blend(upper.or(QUIET), nan).lanewise(LSHL, 16).intoMemorySegment(to, 4 * i, ORDER);
    }
    return whole;
  }

  /** f32 to bf16. */
  static long narrow(MemorySegment from, MemorySegment halves) {
    long count = halves.byteSize() / Short.BYTES;
    long whole = INTS.loopBound(count);
    for (long i = 0; i < whole; i += INTS.length()) {
      IntVector bits = IntVector.fromMemorySegment(INTS, from, 4 * i, ORDER);
      IntVector upper = bits.lanewise(LSHR, 16);
      IntVector rounded = bits.add(0x7fff).add(upper.and(1)).lanewise(LSHR, 16);
      VectorMask<Integer> nan = bits.and(0x7fff_ffff).compare(GT, INFINITY);
      ((ShortVector) rounded.blend(upper.or(QUIET), nan).convertShape(I2S, SHORTS, 0))
          .intoMemorySegment(halves, 2 * i, ORDER);
    }
    return whole;
  }

  /** bf16 to f32, exactly. */
  static long widen(MemorySegment halves, MemorySegment to) {
    long count = to.byteSize() / Float.BYTES;
    long whole = INTS.loopBound(count);
    for (long i = 0; i < whole; i += INTS.length()) {
      ((IntVector)
              ShortVector.fromMemorySegment(SHORTS, halves, 2 * i, ORDER)
                  .convertShape(ZERO_EXTEND_S2I, INTS, 0))
          .lanewise(LSHL, 16)
          .intoMemorySegment(to, 4 * i, ORDER);
    }
    return whole;
  }
}
