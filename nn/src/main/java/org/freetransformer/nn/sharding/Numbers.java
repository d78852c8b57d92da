package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.BFloat16;

/**
 * Loops over f32 numbers in raw memory, and over bf16 numbers where they travel. All segments of a
 * call have the same number of elements. To round is to narrow to bf16, to nearest even, and to
 * widen again. A JVM without the Vector API's module computes by plain loops, more slowly and to
 * the same bits.
 */
final class Numbers {
  static final boolean VECTORS = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private Numbers() {}

  /** {@code sum += term}. */
  static void add(MemorySegment sum, MemorySegment term) {
    long count = sum.byteSize() / Float.BYTES;
    long done = VECTORS ? VectorNumbers.add(sum, term) : 0;
    for (long i = done; i < count; i++) {
      sum.set(FLOAT, 4 * i, sum.get(FLOAT, 4 * i) + term.get(FLOAT, 4 * i));
    }
  }

  /** {@code sum += rounded term}. */
  static void addRounded(MemorySegment sum, MemorySegment term) {
    long count = sum.byteSize() / Float.BYTES;
    long done = VECTORS ? VectorNumbers.addRounded(sum, term) : 0;
    for (long i = done; i < count; i++) {
      sum.set(FLOAT, 4 * i, sum.get(FLOAT, 4 * i) + rounded(term.get(FLOAT, 4 * i)));
    }
  }

  /** {@code sum += halves}, which are bf16. */
  static void addHalves(MemorySegment sum, MemorySegment halves) {
    long count = sum.byteSize() / Float.BYTES;
    long done = VECTORS ? VectorNumbers.addHalves(sum, halves) : 0;
    for (long i = done; i < count; i++) {
      float term = BFloat16.toFloat(halves.get(SHORT, 2 * i));
      sum.set(FLOAT, 4 * i, sum.get(FLOAT, 4 * i) + term);
    }
  }

  /** {@code to = rounded from}; both may be the same. */
  static void round(MemorySegment from, MemorySegment to) {
    long count = to.byteSize() / Float.BYTES;
    long done = VECTORS ? VectorNumbers.round(from, to) : 0;
    for (long i = done; i < count; i++) {
      to.set(FLOAT, 4 * i, rounded(from.get(FLOAT, 4 * i)));
    }
  }

  private static float rounded(float value) {
    return BFloat16.toFloat(BFloat16.fromFloat(value));
  }

  /** f32 to bf16. */
  static void narrow(MemorySegment from, MemorySegment halves) {
    long count = halves.byteSize() / Short.BYTES;
    long done = VECTORS ? VectorNumbers.narrow(from, halves) : 0;
    for (long i = done; i < count; i++) {
      halves.set(SHORT, 2 * i, BFloat16.fromFloat(from.get(FLOAT, 4 * i)));
    }
  }

  /** bf16 to f32, exactly. */
  static void widen(MemorySegment halves, MemorySegment to) {
    long count = to.byteSize() / Float.BYTES;
    long done = VECTORS ? VectorNumbers.widen(halves, to) : 0;
    for (long i = done; i < count; i++) {
      to.set(FLOAT, 4 * i, BFloat16.toFloat(halves.get(SHORT, 2 * i)));
    }
  }
}
