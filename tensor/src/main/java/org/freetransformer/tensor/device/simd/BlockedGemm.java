package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;

/**
 * Matrix product by blocks, after Goto and van de Geijn, "Anatomy of High-Performance Matrix
 * Multiplication" (2008). A task is one block of C over all of k. For each slice of k it packs its
 * columns of B, then goes down its rows of A, some tiles at a time: these meet as many panels of B
 * as stay in L2 before they meet the next, and a tile's rows stay in L1 while panels stream past.
 *
 * <p>Operands of 16 bits are widened while they are packed. A C of 16 bits is rounded once: where k
 * is cut, its block is summed up in scratch memory.
 *
 * <p>How C is cut never shows in the result; how k is cut does, so that depends on k alone.
 */
final class BlockedGemm implements Runnable, ThreadTeam.Task {
  private static final int MAX_TILES = 2400 / GemmKernel.ROWS;

  // With fewer rows than this, packing B costs more than reading it where it lies.
  private static final int MIN_ROWS_FOR_PACKING = 24;
  private static final int DEPTH_GRANULE = 16;

  // Smaller problems are cut until there are enough tasks to share, but not into crumbs.
  private static final long CRUMB_MULTIPLY_ADDS = 1 << 18;

  private final ThreadTeam team;
  private final GemmScratch[] scratch;
  private final GemmShape shape;
  private final StridedMatrix a;
  private final StridedMatrix b;
  private final StridedMatrix c;
  private final float alpha;
  private final boolean accumulate;

  private final int tiles;
  private final int panels;
  private final int depth;
  private final int cachedColumns;
  private final int rowBlocks;
  private final int columnBlocks;
  private final boolean aByColumns;
  private final boolean bInPlace;
  private final boolean sumsApart;

  /** Sizes must not be 0, and C's columns contiguous. */
  BlockedGemm(
      ThreadTeam team,
      GemmScratch[] scratch,
      GemmShape shape,
      StridedMatrix a,
      StridedMatrix b,
      StridedMatrix c,
      float alpha,
      boolean accumulate) {
    this.team = team;
    this.scratch = scratch;
    this.shape = shape;
    this.a = a;
    this.b = b;
    this.c = c;
    this.alpha = alpha;
    this.accumulate = accumulate;
    tiles = Math.ceilDiv(shape.m(), GemmKernel.ROWS);
    panels = Math.ceilDiv(shape.n(), GemmKernel.COLUMNS);
    int slices = Math.ceilDiv(shape.k(), GemmKernel.MAX_DEPTH);
    int evenDepth = Math.ceilDiv(shape.k(), slices);
    depth = Math.ceilDiv(evenDepth, DEPTH_GRANULE) * DEPTH_GRANULE;

    cachedColumns = GemmScratch.PANEL_ELEMENTS / (depth * GemmKernel.COLUMNS) * GemmKernel.COLUMNS;
    int maxPanels = GemmScratch.BLOCK_ELEMENTS / (depth * GemmKernel.COLUMNS);
    int rowBlocks = Math.ceilDiv(tiles, MAX_TILES);
    int columnBlocks = Math.ceilDiv(panels, maxPanels);
    long tasks = (long) shape.batch() * rowBlocks * columnBlocks;
    long most = Math.min(team.enoughTasks(), shape.multiplyAdds() / CRUMB_MULTIPLY_ADDS);
    while (tasks < most) {
      int blockTiles = tiles / rowBlocks;
      int blockPanels = panels / columnBlocks;
      if (blockTiles * GemmKernel.ROWS > blockPanels * GemmKernel.COLUMNS && blockTiles > 1) {
        rowBlocks = Math.min(2 * rowBlocks, tiles);
      } else if (blockPanels > 1) {
        columnBlocks = Math.min(2 * columnBlocks, panels);
      } else {
        break;
      }
      tasks = (long) shape.batch() * rowBlocks * columnBlocks;
    }
    this.rowBlocks = rowBlocks;
    this.columnBlocks = columnBlocks;
    aByColumns = a.rowStride() == 1 && a.columnStride() != 1;
    bInPlace =
        GemmKernel.READS_IN_PLACE
            && !b.isHalf()
            && b.columnStride() == 1
            && shape.m() / rowBlocks < MIN_ROWS_FOR_PACKING;
    sumsApart = c.isHalf() && depth < shape.k();
    if (sumsApart) {
      long rows = (long) Math.ceilDiv(tiles, rowBlocks) * GemmKernel.ROWS;
      long columns = (long) Math.ceilDiv(panels, columnBlocks) * GemmKernel.COLUMNS;
      for (GemmScratch each : scratch) {
        each.requireSums(rows * columns * Float.BYTES);
      }
    }
  }

  @Override
  public void run() {
    team.run(Math.multiplyExact(shape.batch(), rowBlocks * columnBlocks), this);
  }

  /** Computes one block of C. */
  @Override
  public void run(int index, int worker) {
    int rowBlock = index % rowBlocks;
    int columnBlock = index / rowBlocks % columnBlocks;
    int item = index / (rowBlocks * columnBlocks);
    int row = cut(tiles, rowBlock, rowBlocks) * GemmKernel.ROWS;
    int rowEnd = Math.min(shape.m(), cut(tiles, rowBlock + 1, rowBlocks) * GemmKernel.ROWS);
    int column = cut(panels, columnBlock, columnBlocks) * GemmKernel.COLUMNS;
    int columnEnd =
        Math.min(shape.n(), cut(panels, columnBlock + 1, columnBlocks) * GemmKernel.COLUMNS);
    for (int k = 0; k < shape.k(); k += depth) {
      int steps = Math.min(depth, shape.k() - k);
      int packedFrom = bInPlace ? columnEnd - columnEnd % GemmKernel.COLUMNS : column;
      packB(scratch[worker], item, k, steps, packedFrom, columnEnd);
      int group = GemmScratch.TILES * GemmKernel.ROWS;
      for (int i = row; i < rowEnd; i += group) {
        int rows = Math.min(group, rowEnd - i);
        packA(scratch[worker], item, i, rows, k, steps);
        for (int j = column; j < columnEnd; j += cachedColumns) {
          int end = Math.min(columnEnd, j + cachedColumns);
          for (int r = 0; r < rows; r += GemmKernel.ROWS) {
            int aStart = r / GemmKernel.ROWS * GemmScratch.A_TILE;
            int tileRows = Math.min(GemmKernel.ROWS, rows - r);
            multiplyRows(
                scratch[worker],
                aStart,
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
    if (sumsApart) {
      roundSums(scratch[worker].sums(), item, row, rowEnd, column, columnEnd);
    }
  }

  private void roundSums(
      MemorySegment sums, int item, int row, int rowEnd, int column, int columnEnd) {
    int width = columnEnd - column;
    for (int i = row; i < rowEnd; i++) {
      long from = (long) (i - row) * width * Float.BYTES;
      long to = c.start(item) + i * c.rowBytes() + column * c.columnBytes();
      Halves.put(sums, from, width, accumulate, c.type(), c.memory(), to);
    }
  }

  /** Where part {@code part} of {@code parts} even ones begins among {@code count} things. */
  private static int cut(int count, int part, int parts) {
    return (int) ((long) count * part / parts);
  }

  private void packB(GemmScratch scratch, int item, int k, int steps, int column, int end) {
    if (column < end) {
      long start = b.start(item) + k * b.rowBytes() + column * b.columnBytes();
      if (b.isHalf()) {
        HalfPacking.packPanels(
            b.type(),
            b.memory(),
            start,
            b.rowBytes(),
            b.columnBytes(),
            steps,
            end - column,
            scratch);
      } else {
        Packing.packPanels(
            b.memory(), start, b.rowBytes(), b.columnBytes(), steps, end - column, scratch);
      }
    }
  }

  private void packA(GemmScratch scratch, int item, int row, int rows, int k, int steps) {
    long start = a.start(item) + row * a.rowBytes() + k * a.columnBytes();
    if (a.isHalf()) {
      packHalfA(scratch, start, rows, steps);
    } else if (aByColumns) {
      int available = shape.m() - row;
      Packing.packColumns(a.memory(), start, a.columnBytes(), rows, available, steps, scratch.a);
    } else {
      Packing.packRows(a.memory(), start, a.rowBytes(), a.columnBytes(), rows, steps, scratch.a);
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
    for (int j = column; j < columnEnd; j += GemmKernel.COLUMNS) {
      boolean packed = j >= packedFrom;
      GemmKernel.multiply(
          scratch.a,
          aStart,
          aByColumns,
          packed ? scratch.b : b.memory(),
          packed ? (long) (j - packedFrom) * steps * Float.BYTES : bStart + (long) j * Float.BYTES,
          packed ? GemmKernel.PANEL_ROW_BYTES : b.rowBytes(),
          steps,
          rows,
          scratch.tile);
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
