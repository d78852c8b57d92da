package org.freetransformer.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.CpuDevice;

/**
 * A program's f64 numbers, which the device has as f32 one behind the other, as a call of the host
 * wants them.
 *
 * @param floats as the device has them
 * @param wide the same in f64
 */
record Widened(MemorySegment floats, MemorySegment wide) {
  /** Of a contiguous operand, f64 in its program. */
  static Widened of(Buffer operand, Arena arena) {
    long from = operand.layout().offset() * Float.BYTES;
    return new Widened(
        CpuDevice.segment(operand).asSlice(from, operand.size() * Float.BYTES),
        arena.allocate(operand.bytes(), Double.BYTES));
  }

  /** Before the call. */
  void widen() {
    for (long i = 0; i < wide.byteSize() / Double.BYTES; i++) {
      wide.setAtIndex(ValueLayout.JAVA_DOUBLE, i, floats.getAtIndex(ValueLayout.JAVA_FLOAT, i));
    }
  }

  /** After it. */
  void narrow() {
    for (long i = 0; i < wide.byteSize() / Double.BYTES; i++) {
      floats.setAtIndex(
          ValueLayout.JAVA_FLOAT, i, (float) wide.getAtIndex(ValueLayout.JAVA_DOUBLE, i));
    }
  }
}
