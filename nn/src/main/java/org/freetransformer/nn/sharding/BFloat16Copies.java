package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.BFloat16;

/** Copies between f32 and bf16 in raw memory, by blocks. One thread uses it at a time. */
final class BFloat16Copies {
  private static final int BLOCK = 4096;

  private final float[] singles = new float[BLOCK];
  private final short[] halves = new short[BLOCK];

  /** f32 to bf16, to nearest even. */
  void narrow(MemorySegment from, MemorySegment to) {
    long count = from.byteSize() / Float.BYTES;
    for (long at = 0; at < count; at += BLOCK) {
      int n = (int) Math.min(BLOCK, count - at);
      MemorySegment.copy(from, ValueLayout.JAVA_FLOAT, at * Float.BYTES, singles, 0, n);
      for (int i = 0; i < n; i++) {
        halves[i] = BFloat16.fromFloat(singles[i]);
      }
      MemorySegment.copy(halves, 0, to, ValueLayout.JAVA_SHORT, at * Short.BYTES, n);
    }
  }

  /** bf16 to f32, exactly. */
  void widen(MemorySegment from, MemorySegment to) {
    long count = from.byteSize() / Short.BYTES;
    for (long at = 0; at < count; at += BLOCK) {
      int n = (int) Math.min(BLOCK, count - at);
      MemorySegment.copy(from, ValueLayout.JAVA_SHORT, at * Short.BYTES, halves, 0, n);
      for (int i = 0; i < n; i++) {
        singles[i] = BFloat16.toFloat(halves[i]);
      }
      MemorySegment.copy(singles, 0, to, ValueLayout.JAVA_FLOAT, at * Float.BYTES, n);
    }
  }
}
