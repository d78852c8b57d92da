package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.freetransformer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Matrix product with a thin left side: C[m, n] = X[m, k] · W[k, n] for a handful of rows, as in
 * decoding; X is the product's A, and W its B. Memory bandwidth is the limit, so W is read once,
 * where it lies, in long runs: by strips of rows if its rows are contiguous, by whole columns (dot
 * products) if its columns are.
 */
final class SkinnyGemm extends ProductKernel implements RowProduct {
  /** Most rows of X. */
  static final int MAX_ROWS = 16;

  /** Columns that a task sums up at a time when W's rows are contiguous. */
  static final int STRIP = 512;

  /** As {@link #STRIP}, for a single row: the longer the runs, the better memory streams. */
  private static final int WIDE_STRIP = 2048;

  // Up to here the sums over lanes take longer than those along k: columns are then taken one by
  // one, and their lanes added up a vector's width of columns at a time, row by row.
  private static final int SHORT_ROWS = 2;
  private static final int SHORT_DEPTH = 8 * Lanes.COUNT;

  private static final int MIN_STRIP = 64;

  // A W of so many elements stays in the second-level cache: memory is not the limit.
  private static final long CACHED_ELEMENTS = 1 << 17;

  // So few columns are one or two panels for blocks, and make short strips.
  private static final int FEW_COLUMNS = 4 * Lanes.COUNT;

  /** Rows of X that one pass over W serves. */
  static final int ROWS = SkinnyKernel.ROWS;

  private static final int DOT_COLUMNS = SkinnyKernel.DOT_COLUMNS;
  private static final long CRUMB_MULTIPLY_ADDS = 1 << 17;

  // Calls of a first token of a small model, and the share of later ones that warms the loops. All
  // engines count together, as they share the compiled code.
  private static final int PLAIN_CALLS = 1 << 13;
  private static final int INTERVAL = 8;
  private static final ColdStart COLD_ROW = new ColdStart(PLAIN_CALLS, INTERVAL);
  static final ColdStart COLD_ROWS = new ColdStart(PLAIN_CALLS, INTERVAL);

  private final boolean byDots;
  private final int paddedRows;
  private final int columns;
  private final int blocks;

  // X of every item, row-major [batch, paddedRows, k], or a row of it, where dots hold them all.
  // Packed by the caller before tasks begin.
  private final float[] packed;
  private final @Nullable RowDots dots;

  SkinnyGemm(ThreadTeam team, GemmScratch[] scratch, Product product) {
    super(team, scratch, product);
    // A single column counts as contiguous both ways, but strips of its width would be scalars.
    byDots = b.columnStride() != 1 || shape.n() < Lanes.COUNT;
    paddedRows = shape.m() == 1 ? 1 : Math.ceilDiv(shape.m(), ROWS) * ROWS;
    boolean inDots = byDots && shape.m() > 1 && !isShort(shape, b);
    dots =
        inDots
            ? new RowDots(scratch[0], shape.batch(), shape.m(), shape.k(), b.type(), COLD_ROWS)
            : null;
    packed = new float[inDots ? shape.k() : packedSize(shape, paddedRows)];
    long perColumn = Math.max(1, shape.multiplyAdds() / shape.n() / shape.batch());
    int widest = shape.m() == 1 ? WIDE_STRIP : STRIP;
    int worthwhile = (int) Math.min(widest, Math.ceilDiv(CRUMB_MULTIPLY_ADDS, perColumn));
    int shared = Math.ceilDiv(shape.n(), team.enoughTasks());
    int granule = byDots ? Lanes.COUNT : MIN_STRIP;
    int wanted = Math.min(widest, Math.max(shared, worthwhile));
    columns = Math.ceilDiv(wanted, granule) * granule;
    blocks = Math.ceilDiv(shape.n(), columns);
  }

  /** Whether columns are so short that sums over lanes take longer than those along k. */
  private static boolean isShort(GemmShape shape, StridedMatrix w) {
    return !w.isHalf() && shape.m() <= SHORT_ROWS && shape.k() <= SHORT_DEPTH;
  }

  private static int packedSize(GemmShape shape, int rows) {
    return Math.toIntExact((long) shape.batch() * rows * shape.k());
  }

  /** Whether this way suits a product whose left side may be thin. */
  static boolean suits(Product product) {
    GemmShape shape = product.shape();
    StridedMatrix w = product.b();
    StridedMatrix c = product.c();
    boolean contiguousRows =
        w.columnStride() == 1 && shape.n() >= Lanes.COUNT && !blocksWin(shape, c);
    boolean contiguousColumns =
        w.rowStride() == 1
            && (shape.m() == 1 || shape.k() >= shortestDots(shape.m()))
            && !tilesWin(shape, c);
    return shape.m() <= MAX_ROWS
        && (contiguousRows || contiguousColumns)
        && RowDots.fits(shape.batch(), MAX_ROWS, shape.k());
  }

  /** From how many steps of k on dot products beat packing W for blocks, which all rows share. */
  private static int shortestDots(int rows) {
    return (rows <= ROWS ? 3 : 5) * Lanes.COUNT;
  }

  /**
   * Whether blocks take rows of W as they lie for the rows of C, and X for their single panel,
   * which it nearly fills: a tile then has 12 sums for the 16 registers, where dot products have
   * 16.
   */
  private static boolean tilesWin(GemmShape shape, StridedMatrix c) {
    return GemmKernel.READS_ARRAYS
        && c.rowStride() == 1
        && shape.m() > GemmKernel.COLUMNS * 3 / 4
        && shape.m() <= GemmKernel.COLUMNS;
  }

  /**
   * Strips keep their sums in the cache, blocks in registers, which pays unless memory bounds. With
   * few registers strips are too slow for memory to bound them.
   */
  private static boolean blocksWin(GemmShape shape, StridedMatrix c) {
    boolean cached = GemmKernel.READS_ARRAYS || (long) shape.n() * shape.k() <= CACHED_ELEMENTS;
    return shape.m() > 1
        && c.columnStride() == 1
        && (shape.n() <= FEW_COLUMNS || (shape.m() > ROWS && cached));
  }

  @Override
  public void run() {
    begin();
    team.run(parts(), this);
  }

  @Override
  public boolean isSmall() {
    return shape.m() == 1 && shape.batch() == 1;
  }

  @Override
  public int parts() {
    return Math.multiplyExact(shape.batch(), blocks);
  }

  @Override
  public void begin() {
    for (int item = 0; item < shape.batch(); item++) {
      for (int i = 0; i < shape.m(); i++) {
        long row = a.start(item) + i * a.rowBytes();
        int at = dots == null ? (item * paddedRows + i) * shape.k() : 0;
        packRow(row, at);
        if (dots != null) {
          dots.pack(packed, at, item, i);
        } else if (b.isHalf()) {
          RowDots.split(packed, at, shape.k(), b.type(), scratch[0].lanes);
        }
      }
    }
  }

  /** A W of 16 bits is only read by dot products. */
  static boolean suitsHalf(Product product) {
    GemmShape shape = product.shape();
    StridedMatrix w = product.b();
    return w.type() == DType.BF16
        && !product.a().isHalf()
        && !product.c().isHalf()
        && shape.m() <= MAX_ROWS
        && w.rowStride() == 1
        && w.columnStride() != 1
        && shape.k() >= SkinnyKernel.PAIRS
        && RowDots.fits(shape.batch(), MAX_ROWS, shape.k());
  }

  private void packRow(long from, int to) {
    if (a.columnStride() == 1) {
      MemorySegment.copy(a.memory(), FLOAT, from, packed, to, shape.k());
    } else {
      for (int k = 0; k < shape.k(); k++) {
        packed[to + k] = a.memory().get(FLOAT, from + k * a.columnBytes());
      }
    }
  }

  @Override
  public void run(int index, int worker) {
    int item = index / blocks;
    int begin = index % blocks * columns;
    int end = Math.min(shape.n(), begin + columns);
    if (byDots) {
      sumDots(scratch[worker], item, begin, end);
    } else {
      sumStrip(scratch[worker], item, begin, end - begin);
    }
  }

  private void sumStrip(GemmScratch scratch, int item, int begin, int width) {
    float[] sums = scratch.rows;
    Arrays.fill(sums, 0, paddedRows == 1 ? width : paddedRows * STRIP, 0f);
    long from = b.start(item) + (long) begin * Float.BYTES;
    int at = item * paddedRows * shape.k();
    int depth = paddedRows == 1 ? SkinnyKernel.ONE_DEPTH : SkinnyKernel.FOUR_DEPTH;
    int whole = shape.k() - shape.k() % depth;
    for (int k = 0; k < whole; k += depth) {
      long row = from + k * b.rowBytes();
      if (paddedRows == 1) {
        SkinnyKernel.addToOne(packed, at + k, b.memory(), row, b.rowBytes(), width, sums);
      } else {
        for (int i = 0; i < paddedRows; i += ROWS) {
          int first = at + i * shape.k() + k;
          SkinnyKernel.addToFour(
              packed, first, shape.k(), b.memory(), row, b.rowBytes(), width, sums, i * STRIP);
        }
      }
    }
    for (int k = whole; k < shape.k(); k++) {
      for (int i = 0; i < shape.m(); i++) {
        float x = packed[at + i * shape.k() + k];
        SkinnyKernel.addRow(x, b.memory(), from + k * b.rowBytes(), width, sums, i * STRIP);
      }
    }
    storeRows(sums, item, begin, width);
  }

  /** Many short columns: their lanes are added up a vector's width of columns at a time. */
  private void sumShortDots(GemmScratch scratch, int item, int begin, int end) {
    for (int j = begin; j < end; j += Lanes.COUNT) {
      int width = Math.min(Lanes.COUNT, end - j);
      long from = b.start(item) + j * b.columnBytes();
      for (int i = 0; i < shape.m(); i++) {
        int at = (item * paddedRows + i) * shape.k();
        SkinnyKernel.multiplyShort(
            packed, at, b.memory(), from, b.columnBytes(), width, shape.k(), scratch.a);
        LaneSums.add(scratch.a, Lanes.COUNT, scratch.rows);
        storeRow(scratch.rows, 0, item, i, j, width);
      }
    }
  }

  private void sumDots(GemmScratch scratch, int item, int begin, int end) {
    if (dots != null) {
      int width = end - begin;
      long start = column(item, begin);
      dots.sum(scratch, item, 0, shape.m(), b.memory(), start, b.columnBytes(), width);
      storeRows(scratch.rows, item, begin, width);
    } else if (isShort(shape, b)) {
      sumShortDots(scratch, item, begin, end);
    } else {
      sumSingleRow(scratch, item, begin, end);
    }
  }

  /**
   * Four columns at a time, each of them the next in a quarter of their own: memory comes in four
   * long streams instead of pieces of a column's length, and is prefetched.
   */
  private void sumSingleRow(GemmScratch scratch, int item, int begin, int end) {
    int quarter = Math.ceilDiv(end - begin, DOT_COLUMNS);
    int k = shape.k();
    int at = item * k;
    for (int j = 0; j < quarter; j++) {
      for (int i = 0; i < DOT_COLUMNS; i++) {
        scratch.columns[i] = column(item, begin + j + i * quarter);
      }
      if (b.isHalf()) {
        SkinnyKernel.dotPairs(packed, at, b.memory(), scratch.columns, k, scratch.lanes);
      } else if (COLD_ROW.wantsPlain(k / Lanes.COUNT) && k <= scratch.a.length) {
        PlainDots.dotRows(1, packed, at, b.memory(), scratch.columns, k, scratch.lanes, scratch.a);
      } else {
        SkinnyKernel.dotRow(packed, at, b.memory(), scratch.columns, k, scratch.lanes);
      }
      for (int i = 0; i < DOT_COLUMNS; i++) {
        scratch.rows[j + i * quarter] = scratch.lanes[i];
      }
    }
    storeRows(scratch.rows, item, begin, end - begin);
  }

  /** First byte of a column; the last one stands in for those beyond it. */
  private long column(int item, int column) {
    return b.start(item) + Math.min(column, shape.n() - 1) * b.columnBytes();
  }

  private void storeRows(float[] sums, int item, int begin, int width) {
    for (int i = 0; i < shape.m(); i++) {
      storeRow(sums, i * STRIP, item, i, begin, width);
    }
  }

  private void storeRow(float[] sums, int from, int item, int row, int column, int width) {
    long to = c.start(item) + row * c.rowBytes() + column * c.columnBytes();
    if (c.columnStride() == 1 && alpha == 1 && !accumulate) {
      MemorySegment.copy(sums, from, c.memory(), FLOAT, to, width);
      return;
    }
    if (c.columnStride() == 1) {
      GemmKernel.storeRow(sums, from, width, alpha, accumulate, c.memory(), to);
      return;
    }
    for (int j = 0; j < width; j++) {
      long at = to + j * c.columnBytes();
      float sum = sums[from + j];
      c.memory()
          .set(
              FLOAT,
              at,
              accumulate ? Math.fma(sum, alpha, c.memory().get(FLOAT, at)) : sum * alpha);
    }
  }
}
