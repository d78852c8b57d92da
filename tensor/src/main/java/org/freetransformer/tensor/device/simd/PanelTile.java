package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.COLUMNS;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;

import java.lang.invoke.VarHandle;
import jdk.incubator.vector.FloatVector;

/**
 * A tile of 4 rows from two panels, one for each side, as {@link ArrayPacking} makes them: both
 * sides may then be long and narrow and lie in memory with k outermost. Behind fences, as {@link
 * FencedTile}; 8 sums are just enough to keep two multiply-adders busy.
 */
final class PanelTile {
  /** Rows of a tile. */
  static final int ROWS = 4;

  private PanelTile() {}

  /**
   * Adds the products of four columns of a panel of A with a panel of B.
   *
   * @param aStart of the first of the four columns in the panel
   * @param depth steps of k, even
   * @param c the tile's rows, {@link GemmKernel#COLUMNS} apart, from {@code cStart} on
   */
  static void add(float[] a, int aStart, float[] b, int bStart, int depth, float[] c, int cStart) {
    FloatVector l0 = FloatVector.fromArray(SPECIES, c, cStart);
    FloatVector r0 = FloatVector.fromArray(SPECIES, c, cStart + Lanes.COUNT);
    FloatVector l1 = FloatVector.fromArray(SPECIES, c, cStart + COLUMNS);
    FloatVector r1 = FloatVector.fromArray(SPECIES, c, cStart + COLUMNS + Lanes.COUNT);
    FloatVector l2 = FloatVector.fromArray(SPECIES, c, cStart + 2 * COLUMNS);
    FloatVector r2 = FloatVector.fromArray(SPECIES, c, cStart + 2 * COLUMNS + Lanes.COUNT);
    FloatVector l3 = FloatVector.fromArray(SPECIES, c, cStart + 3 * COLUMNS);
    FloatVector r3 = FloatVector.fromArray(SPECIES, c, cStart + 3 * COLUMNS + Lanes.COUNT);
    for (int k = 0; k < depth; k += 2) {
      int row = bStart + k * COLUMNS;
      int column = aStart + k * COLUMNS;
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
      bl = FloatVector.fromArray(SPECIES, b, row + COLUMNS);
      br = FloatVector.fromArray(SPECIES, b, row + COLUMNS + Lanes.COUNT);
      x = FloatVector.broadcast(SPECIES, a[column + COLUMNS]);
      l0 = x.fma(bl, l0);
      r0 = x.fma(br, r0);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + COLUMNS + 1]);
      l1 = x.fma(bl, l1);
      r1 = x.fma(br, r1);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + COLUMNS + 2]);
      l2 = x.fma(bl, l2);
      r2 = x.fma(br, r2);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(SPECIES, a[column + COLUMNS + 3]);
      l3 = x.fma(bl, l3);
      r3 = x.fma(br, r3);
      VarHandle.loadLoadFence();
    }
    l0.intoArray(c, cStart);
    r0.intoArray(c, cStart + Lanes.COUNT);
    l1.intoArray(c, cStart + COLUMNS);
    r1.intoArray(c, cStart + COLUMNS + Lanes.COUNT);
    l2.intoArray(c, cStart + 2 * COLUMNS);
    r2.intoArray(c, cStart + 2 * COLUMNS + Lanes.COUNT);
    l3.intoArray(c, cStart + 3 * COLUMNS);
    r3.intoArray(c, cStart + 3 * COLUMNS + Lanes.COUNT);
  }
}
