package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.memory.MemoryPool;
import org.freetransformer.tensor.memory.OffHeapStorage;

/** Where the elements of a buffer are: segments whose byte 0 is the buffer's first element. */
final class Memory {
  /** Element access without an alignment check. */
  static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** Element access without an alignment check. */
  static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private static final long LINE = MemoryPool.ALIGNMENT;

  private Memory() {}

  /**
   * The part of the storage that the buffer's layout touches, and up to a cache line more where the
   * storage's memory has it: then the last vector of a row needs no slow path.
   *
   * @throws IllegalStateException if the storage was freed
   */
  static MemorySegment of(Buffer buffer) {
    if (!(buffer.storage() instanceof OffHeapStorage storage)) {
      throw new IllegalArgumentException(
          "a buffer of another device (%s) cannot be used here: copy it over first"
              .formatted(buffer.storage().getClass().getSimpleName()));
    }
    int bytes = buffer.dtype().bytes();
    long first = buffer.layout().offset();
    MemorySegment memory = storage.segment();
    if (buffer.size() == 0) {
      return memory.asSlice(0, 0);
    }
    long end = Math.ceilDiv(buffer.layout().end() * bytes, LINE) * LINE;
    return memory.asSlice(first * bytes, Math.min(end, memory.byteSize()) - first * bytes);
  }

  static float floatAt(MemorySegment memory, long index) {
    return memory.getAtIndex(FLOAT, index);
  }

  static int intAt(MemorySegment memory, long index) {
    return memory.getAtIndex(INT, index);
  }
}
