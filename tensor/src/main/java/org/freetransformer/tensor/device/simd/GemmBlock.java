package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;

/**
 * What the large products do with a block of C and a slice of k, after Goto and van de Geijn,
 * "Anatomy of High-Performance Matrix Multiplication" (2008): columns of B are packed as panels;
 * then rows of A, some tiles at a time, meet as many panels as stay in L2 before they meet the
 * next, and a tile's rows stay in L1 while panels stream past.
 *
 * <p>Operands of 16 bits are widened while they are packed. How C is cut never shows in the result;
 * how k is cut does, so that depends on k alone.
 */
final class GemmBlock {
  private static final int DEPTH_GRANULE = 16;

  private final StridedMatrix a;
  private final StridedMatrix b;
  private final StridedMatrix c;
  private final float alpha;
  private final boolean accumulate;
  private final int depth;
  private final int cachedColumns;
  private final boolean aByColumns;
  private final boolean sumsApart;

  /** Sizes must not be 0, and C's columns contiguous. */
  GemmBlock(Product product) {
    a = product.a();
    b = product.b();
    c = product.c();
    alpha = product.alpha();
    accumulate = product.accumulate();
    depth = depth(product.shape().k());
    cachedColumns = GemmScratch.PANEL_ELEMENTS / (depth * GemmKernel.COLUMNS) * GemmKernel.COLUMNS;
    aByColumns = a.rowStride() == 1 && a.columnStride() != 1;
    sumsApart = c.isHalf() && depth < product.shape().k();
  }

  /** Steps of k in a slice of so many in all. */
  static int depth(int k) {
    int slices = Math.ceilDiv(k, GemmKernel.MAX_DEPTH);
    int even = Math.ceilDiv(k, slices);
    return Math.ceilDiv(even, DEPTH_GRANULE) * DEPTH_GRANULE;
  }

  /** Steps of k in a slice; the last slice may have fewer. */
  int depth() {
    return depth;
  }

  /** Most panels of B that are packed at a time. */
  int maxPanels() {
    return GemmScratch.BLOCK_ELEMENTS / (depth * GemmKernel.COLUMNS);
  }

  /**
   * Whether C is of 16 bits and k is cut: a block is then summed up in scratch memory, and rounded
   * once.
   */
  boolean sumsApart() {
    return sumsApart;
  }

  /** Whether vectors of floats can be read from B where it lies. */
  boolean hasWholeRowsOfB() {
    return !b.isHalf() && b.columnStride() == 1;
  }

  /** Where part {@code part} of {@code parts} even ones begins among {@code count} things. */
  static int cut(int count, int part, int parts) {
    return (int) ((long) count * part / parts);
  }

  /**
   * Packs columns of a slice of B.
   *
   * @param packed where to: from element {@code to} on
   */
  void packB(
      GemmScratch scratch,
      GemmScratch packed,
      int to,
      int item,
      int k,
      int steps,
      int column,
      int columnEnd) {
    long start = b.start(item) + k * b.rowBytes() + column * b.columnBytes();
    int columns = columnEnd - column;
    if (b.isHalf()) {
      packHalfB(scratch, packed, to, start, steps, columns);
    } else {
      Panels.pack(
          b.memory(), start, b.rowBytes(), b.columnBytes(), steps, columns, packed, to, scratch);
    }
  }

  private void packHalfB(
      GemmScratch scratch, GemmScratch packed, int to, long start, int steps, int columns) {
    boolean readsArrays = GemmKernel.READS_ARRAYS;
    HalfPacking.packPanels(
        b.type(),
        b.memory(),
        start,
        b.rowBytes(),
        b.columnBytes(),
        steps,
        columns,
        readsArrays ? scratch.b() : packed.b(),
        readsArrays ? 0 : (long) to * Float.BYTES,
        scratch);
    if (readsArrays) {
      ArrayPacking.copyPanels(scratch.b(), steps, columns, packed.panels(), to);
    }
  }

  /**
   * Sets a block of C to its product over a slice of k, or adds it, if it is not the first.
   *
   * @param packed has columns of B from {@code packedFrom} on; those before are read where they lie
   */
  void multiply(
      GemmScratch scratch,
      GemmScratch packed,
      int item,
      int row,
      int rowEnd,
      int column,
      int columnEnd,
      int packedFrom,
      int k,
      int steps) {
    int group = GemmScratch.TILES * GemmKernel.ROWS;
    for (int i = row; i < rowEnd; i += group) {
      int rows = Math.min(group, rowEnd - i);
      packA(scratch, item, i, rows, k, steps);
      for (int j = column; j < columnEnd; j += cachedColumns) {
        int end = Math.min(columnEnd, j + cachedColumns);
        for (int r = 0; r < rows; r += GemmKernel.ROWS) {
          int aStart = r / GemmKernel.ROWS * GemmScratch.A_TILE;
          int tileRows = Math.min(GemmKernel.ROWS, rows - r);
          multiplyRows(
              scratch,
              aStart,
              packed,
              item,
              i + r,
              tileRows,
              j,
              end,
              packedFrom,
              columnEnd - column,
              k,
              steps,
              (i + r - row) * (columnEnd - column) - column);
        }
      }
    }
  }

  /** Brings a block that was summed up apart to C. */
  void roundSums(MemorySegment sums, int item, int row, int rowEnd, int column, int columnEnd) {
    int width = columnEnd - column;
    for (int i = row; i < rowEnd; i++) {
      long from = (long) (i - row) * width * Float.BYTES;
      long to = c.start(item) + i * c.rowBytes() + column * c.columnBytes();
      Halves.put(sums, from, width, accumulate, c.type(), c.memory(), to);
    }
  }

  private void packA(GemmScratch scratch, int item, int row, int rows, int k, int steps) {
    long start = a.start(item) + row * a.rowBytes() + k * a.columnBytes();
    if (a.isHalf()) {
      packHalfA(scratch, start, rows, steps);
    } else if (aByColumns) {
      Packing.packColumns(a.memory(), start, a.columnBytes(), rows, steps, scratch.a);
    } else {
      Packing.packRows(a.memory(), start, a.rowBytes(), a.columnBytes(), rows, steps, scratch.a);
    }
    if (GemmKernel.READS_ARRAYS) {
      ArrayPacking.clearLastStep(scratch.a, aByColumns, rows, steps);
    }
  }

  private void packHalfA(GemmScratch scratch, long start, int rows, int steps) {
    if (aByColumns) {
      HalfPacking.packColumns(
          a.type(), a.memory(), start, a.columnBytes(), rows, steps, scratch.wide, scratch.a);
    } else {
      HalfPacking.packRows(
          a.type(),
          a.memory(),
          start,
          a.rowBytes(),
          a.columnBytes(),
          rows,
          steps,
          scratch.wide,
          scratch.a);
    }
  }

  /** Tiles side by side; columns before {@code packedFrom} of B are read where they lie. */
  private void multiplyRows(
      GemmScratch scratch,
      int aStart,
      GemmScratch packed,
      int item,
      int row,
      int rows,
      int column,
      int columnEnd,
      int packedFrom,
      int sumsWidth,
      int k,
      int steps,
      int sumsFrom) {
    boolean add = (accumulate && !sumsApart) || k > 0;
    long bStart = b.start(item) + k * b.rowBytes();
    long cStart = c.start(item) + row * c.rowBytes();
    int panelDepth = Panels.depth(steps);
    for (int j = column; j < columnEnd; j += GemmKernel.COLUMNS) {
      if (j < packedFrom) {
        long at = bStart + (long) j * Float.BYTES;
        GemmKernel.multiply(
            scratch.a, aStart, aByColumns, b.memory(), at, b.rowBytes(), steps, rows, scratch.tile);
      } else {
        int panel = (j - packedFrom) * panelDepth;
        Panels.multiply(
            scratch.a, aStart, aByColumns, packed, panel, panelDepth, rows, scratch.tile);
      }
      int columns = Math.min(GemmKernel.COLUMNS, columnEnd - j);
      long tileStart = cStart + j * c.columnBytes();
      if (sumsApart) {
        long widthBytes = (long) sumsWidth * Float.BYTES;
        long sumsAt = (sumsFrom + j) * (long) Float.BYTES;
        GemmKernel.store(
            scratch.tile, rows, columns, alpha, add, scratch.sums(), sumsAt, widthBytes);
      } else if (c.isHalf()) {
        HalfPacking.store(
            scratch.tile,
            rows,
            columns,
            alpha,
            add,
            c.type(),
            c.memory(),
            tileStart,
            c.rowBytes(),
            scratch.wide);
      } else {
        GemmKernel.store(
            scratch.tile, rows, columns, alpha, add, c.memory(), tileStart, c.rowBytes());
      }
    }
  }
}
