package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Moving f32 vectors between registers and off-heap memory; offsets are in bytes. */
final class Lanes {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  /** Elements in a vector. */
  static final int COUNT = SPECIES.length();

  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private Lanes() {}

  static FloatVector load(MemorySegment memory, long offset) {
    return FloatVector.fromMemorySegment(SPECIES, memory, offset, ORDER);
  }

  /** The lanes of {@code mask}; the others are 0. */
  static FloatVector load(MemorySegment memory, long offset, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(SPECIES, memory, offset, ORDER, mask);
  }

  static void store(FloatVector vector, MemorySegment memory, long offset) {
    vector.intoMemorySegment(memory, offset, ORDER);
  }

  static void store(FloatVector vector, MemorySegment memory, long offset, VectorMask<Float> mask) {
    vector.intoMemorySegment(memory, offset, ORDER, mask);
  }

  static FloatVector all(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }

  /** The largest multiple of the vector length that is not above {@code n}. */
  static int whole(int n) {
    return SPECIES.loopBound(n);
  }

  /** The lanes from {@code start} that lie below {@code end}. */
  static VectorMask<Float> mask(int start, int end) {
    return SPECIES.indexInRange(start, end);
  }
}
