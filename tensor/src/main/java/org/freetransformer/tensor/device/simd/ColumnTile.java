package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.COLUMNS;
import static org.freetransformer.tensor.device.simd.GemmKernel.PANEL_STEP;
import static org.freetransformer.tensor.device.simd.GemmKernel.ROWS;
import static org.freetransformer.tensor.device.simd.GemmKernel.VECTOR_BYTES;
import static org.freetransformer.tensor.device.simd.Lanes.ORDER;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Tiles of C from columns of A: {@code a} holds them {@link GemmKernel#ROWS} apart, so that a
 * transposed A is packed by plain copies. See {@link GemmKernel#multiply}.
 */
final class ColumnTile {
  private ColumnTile() {}

  /** Tile of 12 rows: 24 sums, one of A's elements and two vectors of B in registers. */
  static void multiply12(
      float[] a, int aStart, MemorySegment b, long bStart, long bRow, int depth, float[] tile) {
    FloatVector l0 = FloatVector.zero(SPECIES);
    FloatVector r0 = FloatVector.zero(SPECIES);
    FloatVector l1 = FloatVector.zero(SPECIES);
    FloatVector r1 = FloatVector.zero(SPECIES);
    FloatVector l2 = FloatVector.zero(SPECIES);
    FloatVector r2 = FloatVector.zero(SPECIES);
    FloatVector l3 = FloatVector.zero(SPECIES);
    FloatVector r3 = FloatVector.zero(SPECIES);
    FloatVector l4 = FloatVector.zero(SPECIES);
    FloatVector r4 = FloatVector.zero(SPECIES);
    FloatVector l5 = FloatVector.zero(SPECIES);
    FloatVector r5 = FloatVector.zero(SPECIES);
    FloatVector l6 = FloatVector.zero(SPECIES);
    FloatVector r6 = FloatVector.zero(SPECIES);
    FloatVector l7 = FloatVector.zero(SPECIES);
    FloatVector r7 = FloatVector.zero(SPECIES);
    FloatVector l8 = FloatVector.zero(SPECIES);
    FloatVector r8 = FloatVector.zero(SPECIES);
    FloatVector l9 = FloatVector.zero(SPECIES);
    FloatVector r9 = FloatVector.zero(SPECIES);
    FloatVector l10 = FloatVector.zero(SPECIES);
    FloatVector r10 = FloatVector.zero(SPECIES);
    FloatVector l11 = FloatVector.zero(SPECIES);
    FloatVector r11 = FloatVector.zero(SPECIES);
    for (int k = 0; k < depth; k++) {
      long row = bStart + k * bRow;
      FloatVector bl = FloatVector.fromMemorySegment(SPECIES, b, row, ORDER);
      FloatVector br = FloatVector.fromMemorySegment(SPECIES, b, row + VECTOR_BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS]);
      l0 = x.fma(bl, l0);
      r0 = x.fma(br, r0);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 1]);
      l1 = x.fma(bl, l1);
      r1 = x.fma(br, r1);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 2]);
      l2 = x.fma(bl, l2);
      r2 = x.fma(br, r2);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 3]);
      l3 = x.fma(bl, l3);
      r3 = x.fma(br, r3);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 4]);
      l4 = x.fma(bl, l4);
      r4 = x.fma(br, r4);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 5]);
      l5 = x.fma(bl, l5);
      r5 = x.fma(br, r5);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 6]);
      l6 = x.fma(bl, l6);
      r6 = x.fma(br, r6);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 7]);
      l7 = x.fma(bl, l7);
      r7 = x.fma(br, r7);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 8]);
      l8 = x.fma(bl, l8);
      r8 = x.fma(br, r8);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 9]);
      l9 = x.fma(bl, l9);
      r9 = x.fma(br, r9);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 10]);
      l10 = x.fma(bl, l10);
      r10 = x.fma(br, r10);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 11]);
      l11 = x.fma(bl, l11);
      r11 = x.fma(br, r11);
    }
    l0.intoArray(tile, 0);
    r0.intoArray(tile, Lanes.COUNT);
    l1.intoArray(tile, COLUMNS);
    r1.intoArray(tile, COLUMNS + Lanes.COUNT);
    l2.intoArray(tile, 2 * COLUMNS);
    r2.intoArray(tile, 2 * COLUMNS + Lanes.COUNT);
    l3.intoArray(tile, 3 * COLUMNS);
    r3.intoArray(tile, 3 * COLUMNS + Lanes.COUNT);
    l4.intoArray(tile, 4 * COLUMNS);
    r4.intoArray(tile, 4 * COLUMNS + Lanes.COUNT);
    l5.intoArray(tile, 5 * COLUMNS);
    r5.intoArray(tile, 5 * COLUMNS + Lanes.COUNT);
    l6.intoArray(tile, 6 * COLUMNS);
    r6.intoArray(tile, 6 * COLUMNS + Lanes.COUNT);
    l7.intoArray(tile, 7 * COLUMNS);
    r7.intoArray(tile, 7 * COLUMNS + Lanes.COUNT);
    l8.intoArray(tile, 8 * COLUMNS);
    r8.intoArray(tile, 8 * COLUMNS + Lanes.COUNT);
    l9.intoArray(tile, 9 * COLUMNS);
    r9.intoArray(tile, 9 * COLUMNS + Lanes.COUNT);
    l10.intoArray(tile, 10 * COLUMNS);
    r10.intoArray(tile, 10 * COLUMNS + Lanes.COUNT);
    l11.intoArray(tile, 11 * COLUMNS);
    r11.intoArray(tile, 11 * COLUMNS + Lanes.COUNT);
  }

  /** Tile of 5 rows, for those that tiles of 12 leave over. */
  static void multiply5(
      float[] a, int aStart, MemorySegment b, long bStart, long bRow, int depth, float[] tile) {
    FloatVector l0 = FloatVector.zero(SPECIES);
    FloatVector r0 = FloatVector.zero(SPECIES);
    FloatVector l1 = FloatVector.zero(SPECIES);
    FloatVector r1 = FloatVector.zero(SPECIES);
    FloatVector l2 = FloatVector.zero(SPECIES);
    FloatVector r2 = FloatVector.zero(SPECIES);
    FloatVector l3 = FloatVector.zero(SPECIES);
    FloatVector r3 = FloatVector.zero(SPECIES);
    FloatVector l4 = FloatVector.zero(SPECIES);
    FloatVector r4 = FloatVector.zero(SPECIES);
    for (int k = 0; k < depth; k++) {
      long row = bStart + k * bRow;
      FloatVector bl = FloatVector.fromMemorySegment(SPECIES, b, row, ORDER);
      FloatVector br = FloatVector.fromMemorySegment(SPECIES, b, row + VECTOR_BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS]);
      l0 = x.fma(bl, l0);
      r0 = x.fma(br, r0);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 1]);
      l1 = x.fma(bl, l1);
      r1 = x.fma(br, r1);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 2]);
      l2 = x.fma(bl, l2);
      r2 = x.fma(br, r2);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 3]);
      l3 = x.fma(bl, l3);
      r3 = x.fma(br, r3);
      x = FloatVector.broadcast(SPECIES, a[aStart + k * ROWS + 4]);
      l4 = x.fma(bl, l4);
      r4 = x.fma(br, r4);
    }
    l0.intoArray(tile, 0);
    r0.intoArray(tile, Lanes.COUNT);
    l1.intoArray(tile, COLUMNS);
    r1.intoArray(tile, COLUMNS + Lanes.COUNT);
    l2.intoArray(tile, 2 * COLUMNS);
    r2.intoArray(tile, 2 * COLUMNS + Lanes.COUNT);
    l3.intoArray(tile, 3 * COLUMNS);
    r3.intoArray(tile, 3 * COLUMNS + Lanes.COUNT);
    l4.intoArray(tile, 4 * COLUMNS);
    r4.intoArray(tile, 4 * COLUMNS + Lanes.COUNT);
  }

  /** Tile of 6 rows, for 16 registers and packed panels; see {@link RowTile#multiply6}. */
  static void multiply6(
      float[] a, int aStart, MemorySegment b, long bStart, int depth, float[] tile) {
    FloatVector l0 = FloatVector.zero(SPECIES);
    FloatVector r0 = FloatVector.zero(SPECIES);
    FloatVector l1 = FloatVector.zero(SPECIES);
    FloatVector r1 = FloatVector.zero(SPECIES);
    FloatVector l2 = FloatVector.zero(SPECIES);
    FloatVector r2 = FloatVector.zero(SPECIES);
    FloatVector l3 = FloatVector.zero(SPECIES);
    FloatVector r3 = FloatVector.zero(SPECIES);
    FloatVector l4 = FloatVector.zero(SPECIES);
    FloatVector r4 = FloatVector.zero(SPECIES);
    FloatVector l5 = FloatVector.zero(SPECIES);
    FloatVector r5 = FloatVector.zero(SPECIES);
    int at = aStart;
    int end = depth * PANEL_STEP;
    for (int row = 0; row < end; row += PANEL_STEP) {
      FloatVector bl = FloatVector.fromMemorySegment(SPECIES, b, bStart + row, ORDER);
      FloatVector br =
          FloatVector.fromMemorySegment(SPECIES, b, bStart + row + VECTOR_BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(SPECIES, a[at]);
      l0 = x.fma(bl, l0);
      r0 = x.fma(br, r0);
      x = FloatVector.broadcast(SPECIES, a[at + 1]);
      l1 = x.fma(bl, l1);
      r1 = x.fma(br, r1);
      x = FloatVector.broadcast(SPECIES, a[at + 2]);
      l2 = x.fma(bl, l2);
      r2 = x.fma(br, r2);
      x = FloatVector.broadcast(SPECIES, a[at + 3]);
      l3 = x.fma(bl, l3);
      r3 = x.fma(br, r3);
      x = FloatVector.broadcast(SPECIES, a[at + 4]);
      l4 = x.fma(bl, l4);
      r4 = x.fma(br, r4);
      x = FloatVector.broadcast(SPECIES, a[at + 5]);
      l5 = x.fma(bl, l5);
      r5 = x.fma(br, r5);
      at += ROWS;
    }
    l0.intoArray(tile, 0);
    r0.intoArray(tile, Lanes.COUNT);
    l1.intoArray(tile, COLUMNS);
    r1.intoArray(tile, COLUMNS + Lanes.COUNT);
    l2.intoArray(tile, 2 * COLUMNS);
    r2.intoArray(tile, 2 * COLUMNS + Lanes.COUNT);
    l3.intoArray(tile, 3 * COLUMNS);
    r3.intoArray(tile, 3 * COLUMNS + Lanes.COUNT);
    l4.intoArray(tile, 4 * COLUMNS);
    r4.intoArray(tile, 4 * COLUMNS + Lanes.COUNT);
    l5.intoArray(tile, 5 * COLUMNS);
    r5.intoArray(tile, 5 * COLUMNS + Lanes.COUNT);
  }
}
