package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.VECTOR_BYTES;
import static org.freetransformer.tensor.device.simd.Lanes.ORDER;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Tiles of {@link ShallowGemm}. Where k is small, a tile's way into memory takes as long as its
 * sums: these tiles are low enough to go straight from registers to C. Each element is one chain of
 * fused multiply-adds over ascending k, as in {@link GemmKernel}.
 */
final class ShallowKernel {
  /** Height of {@link #multiplyWide}. */
  static final int WIDE_ROWS = 4;

  /** Height of {@link #multiplyNarrow}. */
  static final int NARROW_ROWS = 8;

  private ShallowKernel() {}

  /**
   * C[0 … 4, 0 … 2·COUNT) = alpha·A·B. Eight sums hide the latency of two multiply-adders.
   *
   * @param a element [i, k] at {@code at + i * row + k * step}
   * @param b rows {@code bRow} bytes apart
   * @param c rows {@code cRow} bytes apart
   */
  static void multiplyWide(
      float[] a,
      int at,
      int row,
      int step,
      MemorySegment b,
      long bStart,
      long bRow,
      int depth,
      float alpha,
      MemorySegment c,
      long cStart,
      long cRow) {
    FloatVector l0 = FloatVector.zero(SPECIES);
    FloatVector r0 = FloatVector.zero(SPECIES);
    FloatVector l1 = FloatVector.zero(SPECIES);
    FloatVector r1 = FloatVector.zero(SPECIES);
    FloatVector l2 = FloatVector.zero(SPECIES);
    FloatVector r2 = FloatVector.zero(SPECIES);
    FloatVector l3 = FloatVector.zero(SPECIES);
    FloatVector r3 = FloatVector.zero(SPECIES);
    for (int k = 0; k < depth; k++) {
      int first = at + k * step;
      long from = bStart + k * bRow;
      FloatVector bl = FloatVector.fromMemorySegment(SPECIES, b, from, ORDER);
      FloatVector br = FloatVector.fromMemorySegment(SPECIES, b, from + VECTOR_BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(SPECIES, a[first]);
      l0 = x.fma(bl, l0);
      r0 = x.fma(br, r0);
      x = FloatVector.broadcast(SPECIES, a[first + row]);
      l1 = x.fma(bl, l1);
      r1 = x.fma(br, r1);
      x = FloatVector.broadcast(SPECIES, a[first + 2 * row]);
      l2 = x.fma(bl, l2);
      r2 = x.fma(br, r2);
      x = FloatVector.broadcast(SPECIES, a[first + 3 * row]);
      l3 = x.fma(bl, l3);
      r3 = x.fma(br, r3);
    }
    FloatVector scale = FloatVector.broadcast(SPECIES, alpha);
    MemorySegment to = Lanes.offHeap(c);
    l0.mul(scale).intoMemorySegment(to, cStart, ORDER);
    r0.mul(scale).intoMemorySegment(to, cStart + VECTOR_BYTES, ORDER);
    l1.mul(scale).intoMemorySegment(to, cStart + cRow, ORDER);
    r1.mul(scale).intoMemorySegment(to, cStart + cRow + VECTOR_BYTES, ORDER);
    l2.mul(scale).intoMemorySegment(to, cStart + 2 * cRow, ORDER);
    r2.mul(scale).intoMemorySegment(to, cStart + 2 * cRow + VECTOR_BYTES, ORDER);
    l3.mul(scale).intoMemorySegment(to, cStart + 3 * cRow, ORDER);
    r3.mul(scale).intoMemorySegment(to, cStart + 3 * cRow + VECTOR_BYTES, ORDER);
  }

  /** C[0 … 4, 0 … 2·COUNT) += alpha·tile, where the tile's rows lie one after the other. */
  static void addWide(MemorySegment tile, float alpha, MemorySegment c, long cStart, long cRow) {
    FloatVector scale = FloatVector.broadcast(SPECIES, alpha);
    MemorySegment to = Lanes.offHeap(c);
    for (int i = 0; i < 2 * WIDE_ROWS; i++) {
      long at = cStart + i / 2 * cRow + i % 2 * VECTOR_BYTES;
      FloatVector.fromMemorySegment(SPECIES, tile, i * VECTOR_BYTES, ORDER)
          .fma(scale, FloatVector.fromMemorySegment(SPECIES, c, at, ORDER))
          .intoMemorySegment(to, at, ORDER);
    }
  }

  /**
   * The same for eight rows of up to a vector: a narrow C, and the edges of a wide one.
   *
   * @param mask the columns that C has
   */
  static void multiplyNarrow(
      float[] a,
      int at,
      int row,
      int step,
      MemorySegment b,
      long bStart,
      long bRow,
      int depth,
      float alpha,
      VectorMask<Float> mask,
      MemorySegment c,
      long cStart,
      long cRow) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = FloatVector.zero(SPECIES);
    FloatVector s2 = FloatVector.zero(SPECIES);
    FloatVector s3 = FloatVector.zero(SPECIES);
    FloatVector s4 = FloatVector.zero(SPECIES);
    FloatVector s5 = FloatVector.zero(SPECIES);
    FloatVector s6 = FloatVector.zero(SPECIES);
    FloatVector s7 = FloatVector.zero(SPECIES);
    for (int k = 0; k < depth; k++) {
      int first = at + k * step;
      FloatVector y = FloatVector.fromMemorySegment(SPECIES, b, bStart + k * bRow, ORDER);
      s0 = y.fma(FloatVector.broadcast(SPECIES, a[first]), s0);
      s1 = y.fma(FloatVector.broadcast(SPECIES, a[first + row]), s1);
      s2 = y.fma(FloatVector.broadcast(SPECIES, a[first + 2 * row]), s2);
      s3 = y.fma(FloatVector.broadcast(SPECIES, a[first + 3 * row]), s3);
      s4 = y.fma(FloatVector.broadcast(SPECIES, a[first + 4 * row]), s4);
      s5 = y.fma(FloatVector.broadcast(SPECIES, a[first + 5 * row]), s5);
      s6 = y.fma(FloatVector.broadcast(SPECIES, a[first + 6 * row]), s6);
      s7 = y.fma(FloatVector.broadcast(SPECIES, a[first + 7 * row]), s7);
    }
    FloatVector scale = FloatVector.broadcast(SPECIES, alpha);
    MemorySegment to = Lanes.offHeap(c);
    s0.mul(scale).intoMemorySegment(to, cStart, ORDER, mask);
    s1.mul(scale).intoMemorySegment(to, cStart + cRow, ORDER, mask);
    s2.mul(scale).intoMemorySegment(to, cStart + 2 * cRow, ORDER, mask);
    s3.mul(scale).intoMemorySegment(to, cStart + 3 * cRow, ORDER, mask);
    s4.mul(scale).intoMemorySegment(to, cStart + 4 * cRow, ORDER, mask);
    s5.mul(scale).intoMemorySegment(to, cStart + 5 * cRow, ORDER, mask);
    s6.mul(scale).intoMemorySegment(to, cStart + 6 * cRow, ORDER, mask);
    s7.mul(scale).intoMemorySegment(to, cStart + 7 * cRow, ORDER, mask);
  }

  /** Sets or adds to rows of C from a tile whose rows lie one after the other. */
  static void putNarrow(
      MemorySegment tile,
      int rows,
      VectorMask<Float> mask,
      float alpha,
      boolean add,
      MemorySegment c,
      long cStart,
      long cRow) {
    FloatVector scale = FloatVector.broadcast(SPECIES, alpha);
    MemorySegment to = Lanes.offHeap(c);
    for (int i = 0; i < rows; i++) {
      long at = cStart + i * cRow;
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, tile, i * VECTOR_BYTES, ORDER);
      FloatVector y =
          add
              ? x.fma(scale, FloatVector.fromMemorySegment(SPECIES, c, at, ORDER, mask))
              : x.mul(scale);
      y.intoMemorySegment(to, at, ORDER, mask);
    }
  }
}
