package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;

/**
 * Rows of heads as f32: where they lie, or, if they are of 16 bits, widened in a worker's memory,
 * one right after the other. Positions and strides are in bytes.
 *
 * @param wide where in a worker's memory
 * @param size numbers of a row
 */
record WideRows(HeadRows rows, long wide, int size) {
  /** Room for so many widened rows. */
  static long bytes(HeadRows rows, int count, int size) {
    return rows.isHalf() ? 4L * count * size : 0;
  }

  /** Which memory has the rows. */
  MemorySegment memory(MemorySegment own) {
    return rows.isHalf() ? own : rows.memory();
  }

  /** Distance of times. */
  long stride() {
    return rows.isHalf() ? 4L * size : rows.timeStride();
  }

  /** Widens the rows of {@code count} times, if need be; says where the first is. */
  long widen(int b, int time, int head, int count, MemorySegment own) {
    long first = rows.row(b, time, head);
    if (!rows.isHalf()) {
      return first;
    }
    rows.widen(first, count, size, own, wide);
    return wide;
  }

  /** Where a row is, if widened ones begin at time 0. */
  long row(int b, int time, int head) {
    return rows.isHalf() ? wide + 4L * time * size : rows.row(b, time, head);
  }
}
