package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.A_STRIDE;
import static org.freetransformer.tensor.device.simd.GemmKernel.COLUMNS;
import static org.freetransformer.tensor.device.simd.GemmKernel.ROWS;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;

import java.lang.invoke.VarHandle;
import jdk.incubator.vector.FloatVector;

/**
 * Tiles of 6 rows for x86 with 16 registers, from panels of B in an array: 12 sums, two vectors of
 * B, and one or two of A's elements.
 *
 * <p>In a loop of two steps of k C2 would load the second step's elements ahead, and then sums go
 * through memory at every step. No load passes a fence, and on x86 this one is no instruction. But
 * behind it a segment would be asked again whether it is still open, so B lies in an array: indices
 * are checked once before the loop, and a round takes 24 multiply-adds in some 50 instructions.
 *
 * <p>{@code depth} must be even. Row i of the tile goes to {@code cStart + i * cRow}. See {@link
 * GemmKernel#multiply}.
 */
final class FencedTile {
  private FencedTile() {}

  /** From rows of A, {@link GemmKernel#A_STRIDE} apart. */
  static void multiplyRows(
      float[] a, int aStart, float[] b, int bStart, int depth, float[] c, int cStart, int cRow) {
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
    int shift = bStart - aStart * COLUMNS;
    for (int k = aStart; k < aStart + depth; k += 2) {
      int row = k * COLUMNS + shift;
      FloatVector bl = FloatVector.fromArray(SPECIES, b, row);
      FloatVector br = FloatVector.fromArray(SPECIES, b, row + Lanes.COUNT);
      FloatVector x = FloatVector.broadcast(SPECIES, a[k]);
      l0 = x.fma(bl, l0);
      r0 = x.fma(br, r0);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + A_STRIDE]);
      l1 = x.fma(bl, l1);
      r1 = x.fma(br, r1);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + 2 * A_STRIDE]);
      l2 = x.fma(bl, l2);
      r2 = x.fma(br, r2);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + 3 * A_STRIDE]);
      l3 = x.fma(bl, l3);
      r3 = x.fma(br, r3);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + 4 * A_STRIDE]);
      l4 = x.fma(bl, l4);
      r4 = x.fma(br, r4);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + 5 * A_STRIDE]);
      l5 = x.fma(bl, l5);
      r5 = x.fma(br, r5);
      VarHandle.loadLoadFence();
      bl = FloatVector.fromArray(SPECIES, b, row + COLUMNS);
      br = FloatVector.fromArray(SPECIES, b, row + COLUMNS + Lanes.COUNT);
      x = FloatVector.broadcast(SPECIES, a[k + 1]);
      l0 = x.fma(bl, l0);
      r0 = x.fma(br, r0);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + 1 + A_STRIDE]);
      l1 = x.fma(bl, l1);
      r1 = x.fma(br, r1);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + 1 + 2 * A_STRIDE]);
      l2 = x.fma(bl, l2);
      r2 = x.fma(br, r2);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + 1 + 3 * A_STRIDE]);
      l3 = x.fma(bl, l3);
      r3 = x.fma(br, r3);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + 1 + 4 * A_STRIDE]);
      l4 = x.fma(bl, l4);
      r4 = x.fma(br, r4);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[k + 1 + 5 * A_STRIDE]);
      l5 = x.fma(bl, l5);
      r5 = x.fma(br, r5);
      VarHandle.loadLoadFence();
    }
    l0.intoArray(c, cStart);
    r0.intoArray(c, cStart + Lanes.COUNT);
    l1.intoArray(c, cStart + cRow);
    r1.intoArray(c, cStart + cRow + Lanes.COUNT);
    l2.intoArray(c, cStart + 2 * cRow);
    r2.intoArray(c, cStart + 2 * cRow + Lanes.COUNT);
    l3.intoArray(c, cStart + 3 * cRow);
    r3.intoArray(c, cStart + 3 * cRow + Lanes.COUNT);
    l4.intoArray(c, cStart + 4 * cRow);
    r4.intoArray(c, cStart + 4 * cRow + Lanes.COUNT);
    l5.intoArray(c, cStart + 5 * cRow);
    r5.intoArray(c, cStart + 5 * cRow + Lanes.COUNT);
  }

  /** From columns of A, {@link GemmKernel#ROWS} apart. */
  static void multiplyColumns(
      float[] a, int aStart, float[] b, int bStart, int depth, float[] c, int cStart, int cRow) {
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
    for (int k = 0; k < depth; k += 2) {
      int row = bStart + k * COLUMNS;
      int column = aStart + k * ROWS;
      FloatVector bl = FloatVector.fromArray(SPECIES, b, row);
      FloatVector br = FloatVector.fromArray(SPECIES, b, row + Lanes.COUNT);
      FloatVector x = FloatVector.broadcast(SPECIES, a[column]);
      l0 = x.fma(bl, l0);
      r0 = x.fma(br, r0);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + 1]);
      l1 = x.fma(bl, l1);
      r1 = x.fma(br, r1);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + 2]);
      l2 = x.fma(bl, l2);
      r2 = x.fma(br, r2);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + 3]);
      l3 = x.fma(bl, l3);
      r3 = x.fma(br, r3);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + 4]);
      l4 = x.fma(bl, l4);
      r4 = x.fma(br, r4);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + 5]);
      l5 = x.fma(bl, l5);
      r5 = x.fma(br, r5);
      VarHandle.loadLoadFence();
      bl = FloatVector.fromArray(SPECIES, b, row + COLUMNS);
      br = FloatVector.fromArray(SPECIES, b, row + COLUMNS + Lanes.COUNT);
      x = FloatVector.broadcast(SPECIES, a[column + ROWS]);
      l0 = x.fma(bl, l0);
      r0 = x.fma(br, r0);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + ROWS + 1]);
      l1 = x.fma(bl, l1);
      r1 = x.fma(br, r1);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + ROWS + 2]);
      l2 = x.fma(bl, l2);
      r2 = x.fma(br, r2);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + ROWS + 3]);
      l3 = x.fma(bl, l3);
      r3 = x.fma(br, r3);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + ROWS + 4]);
      l4 = x.fma(bl, l4);
      r4 = x.fma(br, r4);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + ROWS + 5]);
      l5 = x.fma(bl, l5);
      r5 = x.fma(br, r5);
      VarHandle.loadLoadFence();
    }
    l0.intoArray(c, cStart);
    r0.intoArray(c, cStart + Lanes.COUNT);
    l1.intoArray(c, cStart + cRow);
    r1.intoArray(c, cStart + cRow + Lanes.COUNT);
    l2.intoArray(c, cStart + 2 * cRow);
    r2.intoArray(c, cStart + 2 * cRow + Lanes.COUNT);
    l3.intoArray(c, cStart + 3 * cRow);
    r3.intoArray(c, cStart + 3 * cRow + Lanes.COUNT);
    l4.intoArray(c, cStart + 4 * cRow);
    r4.intoArray(c, cStart + 4 * cRow + Lanes.COUNT);
    l5.intoArray(c, cStart + 5 * cRow);
    r5.intoArray(c, cStart + 5 * cRow + Lanes.COUNT);
  }
}
