package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.device.Output;

/**
 * The gradient of keys, or of values, while a task adds to it: where it lies, or, if it is of 16
 * bits, in a worker's memory, from where it is rounded once.
 *
 * @param rows all times of one head
 * @param add whether the result is added to what is there
 */
record KeyGradient(WideRows rows, boolean add) {
  /** For an output, with sums from {@code sums} on in a worker's memory. */
  static KeyGradient of(Output output, long sums, int size) {
    HeadRows rows = HeadRows.of(output.buffer());
    return new KeyGradient(new WideRows(rows, sums, size), output.accumulate());
  }

  /** Whether what is there before the first sum does not count. */
  boolean replaces() {
    return rows.rows().isHalf() || !add;
  }

  /** Rows that no query sees become 0, if they replace what is there. */
  void clear(int b, int head, int from, int to, MemorySegment own) {
    if (!replaces()) {
      return;
    }
    for (int s = from; s < to; s++) {
      Panels.clearRow(rows.memory(own), rows.row(b, s, head), rows.size());
    }
  }

  /** Brings sums of {@code count} rows to a gradient of 16 bits. */
  void round(int b, int head, int count, MemorySegment own) {
    HeadRows to = rows.rows();
    if (!to.isHalf()) {
      return;
    }
    for (int s = 0; s < count; s++) {
      long sums = rows.row(b, s, head);
      Halves.put(own, sums, rows.size(), add, to.type(), to.memory(), to.row(b, s, head));
    }
  }
}
