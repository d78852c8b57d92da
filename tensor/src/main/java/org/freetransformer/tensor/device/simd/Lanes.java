package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** Moving f32 vectors between registers and off-heap memory; offsets are in bytes. */
final class Lanes {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  /** Elements in a vector. */
  static final int COUNT = SPECIES.length();

  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** For each power of 2 below the number of lanes, what exchanges lanes that far apart. */
  private static final List<VectorShuffle<Float>> EXCHANGES = exchanges();

  /**
   * For each number of lanes, the mask of the first so many: made once, so that no run makes any.
   */
  private static final List<VectorMask<Float>> LEADING =
      IntStream.rangeClosed(0, COUNT).mapToObj(n -> SPECIES.indexInRange(0, n)).toList();

  private Lanes() {}

  private static List<VectorShuffle<Float>> exchanges() {
    return IntStream.iterate(COUNT / 2, d -> d >= 1, d -> d / 2)
        .mapToObj(distance -> VectorShuffle.fromOp(SPECIES, lane -> lane ^ distance))
        .toList();
  }

  /**
   * The sum of all lanes, halves upon halves. Unlike {@code reduceLanes}, whose order of additions
   * differs between the interpreter and compiled code, it gives the same bits on every call.
   */
  static float sum(FloatVector vector) {
    FloatVector sum = vector;
    for (int i = 0; i < EXCHANGES.size(); i++) {
      sum = sum.add(sum.rearrange(EXCHANGES.get(i)));
    }
    return sum.lane(0);
  }

  static FloatVector load(MemorySegment memory, long offset) {
    return FloatVector.fromMemorySegment(SPECIES, memory, offset, ORDER);
  }

  /** The lanes of {@code mask}; the others are 0. */
  static FloatVector load(MemorySegment memory, long offset, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(SPECIES, offHeap(memory), offset, ORDER, mask);
  }

  static void store(FloatVector vector, MemorySegment memory, long offset) {
    vector.intoMemorySegment(offHeap(memory), offset, ORDER);
  }

  static void store(FloatVector vector, MemorySegment memory, long offset, VectorMask<Float> mask) {
    vector.intoMemorySegment(offHeap(memory), offset, ORDER, mask);
  }

  /**
   * The same memory, for a store of any vector. As long as C2 has not compiled {@code
   * reinterpretAsInts} and its like, they store to arrays of bytes on the heap, and HotSpot learns
   * that for all stores. A store that may go to the heap lets no load pass it, and each round of a
   * loop would check bounds and load all constants again. After this question C2 knows better.
   */
  static MemorySegment offHeap(MemorySegment memory) {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("vectors are stored off the heap only");
    }
    return memory;
  }

  /** Sets the elements, or adds to them. */
  static void put(FloatVector vector, boolean add, MemorySegment memory, long offset) {
    store(add ? vector.add(load(memory, offset)) : vector, memory, offset);
  }

  /** Sets the lanes of {@code mask}, or adds to them: the end of a row. */
  static void put(
      FloatVector vector, boolean add, MemorySegment memory, long offset, VectorMask<Float> mask) {
    store(add ? vector.add(load(memory, offset, mask)) : vector, memory, offset, mask);
  }

  /**
   * The larger of two, or {@code max} where {@code x} is NaN: two instructions, where {@code
   * FloatVector.max} takes six with 512 bits, for NaN and −0.
   */
  static FloatVector larger(FloatVector max, FloatVector x) {
    return max.blend(x, x.compare(VectorOperators.GT, max));
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
    return LEADING.get(Math.clamp(end - start, 0, COUNT));
  }
}
