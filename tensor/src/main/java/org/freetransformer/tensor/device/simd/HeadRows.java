package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Buffer;

/**
 * Rows of heads: an operand [B, T, heads, Dh] of attention, whose last axis has no gaps. Strides
 * are in bytes.
 */
record HeadRows(
    MemorySegment memory, DType type, long batchStride, long timeStride, long headStride) {
  static HeadRows of(Buffer buffer) {
    Layout layout = buffer.layout();
    long bytes = buffer.dtype().bytes();
    return new HeadRows(
        Memory.of(buffer),
        buffer.dtype(),
        layout.stride(0) * bytes,
        layout.stride(1) * bytes,
        layout.stride(2) * bytes);
  }

  /** Whether the numbers are of 16 bits. */
  boolean isHalf() {
    return Halves.are(type);
  }

  /** Widens the rows of {@code count} times from {@code start} on, one right after the other. */
  void widen(long start, int count, int size, MemorySegment to, long at) {
    for (int i = 0; i < count; i++) {
      Halves.widen(type, memory, start + i * timeStride, size, to, at + 4L * i * size);
    }
  }

  /** Where a row begins. */
  long row(int batch, int time, int head) {
    return batch * batchStride + time * timeStride + head * headStride;
  }
}
