package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Buffer;

/**
 * Rows of heads: an operand [B, T, heads, Dh] of attention, whose last axis has no gaps. Strides
 * are in bytes.
 */
record HeadRows(MemorySegment memory, long batchStride, long timeStride, long headStride) {
  static HeadRows of(Buffer buffer) {
    Layout layout = buffer.layout();
    return new HeadRows(
        Memory.of(buffer),
        layout.stride(0) * Float.BYTES,
        layout.stride(1) * Float.BYTES,
        layout.stride(2) * Float.BYTES);
  }

  /** Where a row begins. */
  long row(int batch, int time, int head) {
    return batch * batchStride + time * timeStride + head * headStride;
  }
}
