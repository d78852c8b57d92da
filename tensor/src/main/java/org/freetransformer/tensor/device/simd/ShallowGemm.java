package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.VectorMask;

/**
 * Matrix product with few steps of k, where writing C is most of the work, or with a C of few
 * columns. A task is a block of rows over some panels of B, which it packs where it must; rows of A
 * are copied as they lie, a few at a time.
 */
final class ShallowGemm extends ProductKernel implements ThreadTeam.Task {
  /** Largest k where C may have any size. */
  static final int MAX_DEPTH = 8;

  // The same where tiles read arrays and C is large: then blocks are as fast.
  private static final int MAX_DEPTH_BESIDE_ARRAYS = 4;
  private static final int MANY_COLUMNS = 2 * GemmKernel.COLUMNS;

  /** Most columns where k may have any size. */
  static final int MAX_COLUMNS = Lanes.COUNT;

  // Shallow rows cost the same for any number of columns up to a vector, dot products each their
  // lanes: these lose while k is less than so many times the columns.
  private static final int SHORT_DOTS = 12;

  private static final int SLICE = 256;

  private static final int COLUMNS = GemmKernel.COLUMNS;

  // Rows of A copied at a time fill a third of the first-level cache.
  private static final int A_ELEMENTS = 4096;

  // So do the panels that rows of C are computed from at a time.
  private static final int B_ELEMENTS = 4096;

  private static final int MIN_ROWS_FOR_PACKING = 24;
  private static final long CRUMB = 1 << 16;

  private final int depth;
  private final int rowsAtOnce;
  private final int columnsAtOnce;
  private final int rowBlocks;
  private final int columnBlocks;
  private final int rowStep;
  private final int columnStep;
  private final boolean bInPlace;

  /** Sizes must not be 0, and C's columns contiguous. */
  ShallowGemm(ThreadTeam team, GemmScratch[] scratch, Product product) {
    super(team, scratch, product);
    int granule = ShallowKernel.NARROW_ROWS;
    depth = Math.min(shape.k(), SLICE);
    rowsAtOnce = Math.max(granule, A_ELEMENTS / depth / granule * granule);
    columnsAtOnce = Math.max(1, B_ELEMENTS / (depth * COLUMNS)) * COLUMNS;
    rowStep = a.columnStride() == 1 ? depth : 1;
    boolean dense = a.rowStride() == 1 && a.columnStride() == shape.m() && shape.m() <= rowsAtOnce;
    columnStep = a.columnStride() == 1 ? 1 : dense ? shape.m() : rowsAtOnce;
    bInPlace = b.columnStride() == 1 && shape.m() < MIN_ROWS_FOR_PACKING;
    int panels = Math.ceilDiv(shape.n(), COLUMNS);
    int maxPanels = GemmScratch.PANEL_ELEMENTS / (depth * COLUMNS);
    int columnBlocks = Math.ceilDiv(panels, maxPanels);
    long work = shape.multiplyAdds() + (long) shape.batch() * shape.m() * shape.n();
    long most = Math.min(team.enoughTasks(), work / CRUMB) / shape.batch();
    long wanted = Math.max(1, Math.ceilDiv(most, columnBlocks));
    rowBlocks = (int) Math.min(wanted, Math.ceilDiv(shape.m(), granule));
    while ((long) columnBlocks * rowBlocks < most && columnBlocks < panels) {
      columnBlocks++;
    }
    this.columnBlocks = columnBlocks;
  }

  /** Whether this way is made for a product. */
  static boolean suits(Product product) {
    GemmShape shape = product.shape();
    return product.c().columnStride() == 1
        && (shape.k() <= maxDepth(shape) || shape.n() <= MAX_COLUMNS);
  }

  private static int maxDepth(GemmShape shape) {
    boolean large = shape.m() >= MIN_ROWS_FOR_PACKING && shape.n() > MANY_COLUMNS;
    return GemmKernel.READS_ARRAYS && large ? MAX_DEPTH_BESIDE_ARRAYS : MAX_DEPTH;
  }

  /**
   * Whether this way beats {@link SkinnyGemm}, where that suits.
   *
   * @param thin rows of the side that it would copy
   */
  static boolean better(Product product, int thin) {
    GemmShape shape = product.shape();
    StridedMatrix a = product.a();
    if (Math.min(shape.m(), shape.n()) == 1 || product.c().columnStride() != 1) {
      return false;
    }
    if (shape.k() <= MAX_DEPTH) {
      return true;
    }
    // Its single pass over the other side is hard to beat.
    if (thin <= SkinnyGemm.ROWS) {
      return false;
    }
    if (Math.max(shape.m(), shape.n()) <= SkinnyGemm.MAX_ROWS) {
      return a.columnStride() != 1 || product.b().rowStride() != 1;
    }
    boolean dotsOfA = thin == shape.n() && a.columnStride() == 1;
    return dotsOfA && shape.n() <= MAX_COLUMNS && shape.k() <= SHORT_DOTS * shape.n();
  }

  @Override
  public void run() {
    team.run(Math.multiplyExact(shape.batch(), rowBlocks * columnBlocks), this);
  }

  @Override
  public void run(int index, int worker) {
    int item = index / (rowBlocks * columnBlocks);
    int rowBlock = index % rowBlocks;
    int columnBlock = index / rowBlocks % columnBlocks;
    int row = cut(shape.m(), ShallowKernel.NARROW_ROWS, rowBlock, rowBlocks);
    int rowEnd = cut(shape.m(), ShallowKernel.NARROW_ROWS, rowBlock + 1, rowBlocks);
    int column = cut(shape.n(), COLUMNS, columnBlock, columnBlocks);
    int columnEnd = cut(shape.n(), COLUMNS, columnBlock + 1, columnBlocks);
    for (int k = 0; k < shape.k(); k += depth) {
      int steps = Math.min(depth, shape.k() - k);
      int packedFrom = packB(scratch[worker], item, k, steps, column, columnEnd);
      for (int i = row; i < rowEnd; i += rowsAtOnce) {
        int rows = Math.min(rowsAtOnce, rowEnd - i);
        copyRows(scratch[worker].a, item, i, rows, k, steps);
        for (int j = column; j < columnEnd; j += columnsAtOnce) {
          int end = Math.min(columnEnd, j + columnsAtOnce);
          multiplyStrip(scratch[worker], item, i, rows, j, end, k, steps, packedFrom);
        }
      }
    }
  }

  /** Packs the columns of B that cannot be read in whole vectors where they lie. */
  private int packB(GemmScratch scratch, int item, int k, int steps, int column, int end) {
    long start = b.start(item) + k * b.rowBytes();
    int packedFrom = bInPlace ? end - end % COLUMNS : column;
    long last = start + (steps - 1) * b.rowBytes() + (long) packedFrom * Float.BYTES;
    int vectors = Math.ceilDiv(end - packedFrom, Lanes.COUNT);
    if (bInPlace && last + vectors * GemmKernel.VECTOR_BYTES <= b.memory().byteSize()) {
      return end;
    }
    if (packedFrom < end) {
      Packing.packPanels(
          b.memory(),
          start + packedFrom * b.columnBytes(),
          b.rowBytes(),
          b.columnBytes(),
          steps,
          end - packedFrom,
          scratch.b(),
          0,
          scratch);
    }
    return packedFrom;
  }

  /** Where part {@code part} of {@code parts} begins, in whole granules. */
  private static int cut(int count, int granule, int part, int parts) {
    long granules = Math.ceilDiv(count, granule);
    return (int) Math.min(count, granules * part / parts * granule);
  }

  private void copyRows(float[] to, int item, int row, int rows, int k, int steps) {
    MemorySegment from = a.memory();
    long start = a.start(item) + row * a.rowBytes() + k * a.columnBytes();
    if (a.columnStride() == 1 && a.rowStride() == steps && steps == depth) {
      MemorySegment.copy(from, FLOAT, start, to, 0, rows * steps);
    } else if (a.columnStride() == 1 && steps >= Lanes.COUNT) {
      for (int i = 0; i < rows; i++) {
        MemorySegment.copy(from, FLOAT, start + i * a.rowBytes(), to, i * depth, steps);
      }
    } else if (a.rowStride() == 1 && a.columnStride() == columnStep) {
      MemorySegment.copy(from, FLOAT, start, to, 0, (steps - 1) * columnStep + rows);
    } else if (a.rowStride() == 1) {
      for (int i = 0; i < steps; i++) {
        MemorySegment.copy(from, FLOAT, start + i * a.columnBytes(), to, i * columnStep, rows);
      }
    } else {
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < steps; j++) {
          float x = from.get(FLOAT, start + i * a.rowBytes() + j * a.columnBytes());
          to[i * rowStep + j * columnStep] = x;
        }
      }
    }
  }

  /** Some rows times some panels of B, a few rows at a time: C is written in long runs. */
  private void multiplyStrip(
      GemmScratch scratch,
      int item,
      int first,
      int rows,
      int column,
      int end,
      int k,
      int steps,
      int packedFrom) {
    int whole = column + (end - column) / COLUMNS * COLUMNS;
    int i = 0;
    for (; i + ShallowKernel.WIDE_ROWS <= rows; i += ShallowKernel.WIDE_ROWS) {
      for (int j = column; j < whole; j += COLUMNS) {
        multiplyWide(scratch, item, first, i, j, k, steps, packedFrom);
      }
    }
    for (; i < rows; i += ShallowKernel.NARROW_ROWS) {
      multiplyNarrow(scratch, item, first, i, rows, column, whole, k, steps, packedFrom);
    }
    for (i = 0; i < rows && whole < end; i += ShallowKernel.NARROW_ROWS) {
      multiplyNarrow(scratch, item, first, i, rows, whole, end, k, steps, packedFrom);
    }
  }

  private void multiplyWide(
      GemmScratch scratch, int item, int first, int i, int j, int k, int steps, int packedFrom) {
    boolean packed = j >= packedFrom;
    boolean add = accumulate || k > 0;
    long to = c.start(item) + (first + i) * c.rowBytes() + (long) j * Float.BYTES;
    ShallowKernel.multiplyWide(
        scratch.a,
        i * rowStep,
        rowStep,
        columnStep,
        packed ? scratch.b() : b.memory(),
        panelStart(item, j, k, steps, packedFrom),
        packed ? GemmKernel.PANEL_ROW_BYTES : b.rowBytes(),
        steps,
        add ? 1 : alpha,
        add ? scratch.blocks : c.memory(),
        add ? 0 : to,
        add ? GemmKernel.PANEL_ROW_BYTES : c.rowBytes());
    if (add) {
      ShallowKernel.addWide(scratch.blocks, alpha, c.memory(), to, c.rowBytes());
    }
  }

  private void multiplyNarrow(
      GemmScratch scratch,
      int item,
      int first,
      int i,
      int rows,
      int column,
      int end,
      int k,
      int steps,
      int packedFrom) {
    boolean add = accumulate || k > 0;
    boolean apart = add || rows - i < ShallowKernel.NARROW_ROWS;
    for (int j = column; j < end; j += Lanes.COUNT) {
      int panel = j - (j - column) % COLUMNS;
      boolean packed = panel >= packedFrom;
      VectorMask<Float> mask = Lanes.mask(j, end);
      long to = c.start(item) + (first + i) * c.rowBytes() + (long) j * Float.BYTES;
      ShallowKernel.multiplyNarrow(
          scratch.a,
          i * rowStep,
          rowStep,
          columnStep,
          packed ? scratch.b() : b.memory(),
          panelStart(item, panel, k, steps, packedFrom) + (long) (j - panel) * Float.BYTES,
          packed ? GemmKernel.PANEL_ROW_BYTES : b.rowBytes(),
          steps,
          apart ? 1 : alpha,
          mask,
          apart ? scratch.blocks : c.memory(),
          apart ? 0 : to,
          apart ? GemmKernel.VECTOR_BYTES : c.rowBytes());
      if (apart) {
        int height = Math.min(ShallowKernel.NARROW_ROWS, rows - i);
        ShallowKernel.putNarrow(
            scratch.blocks, height, mask, alpha, add, c.memory(), to, c.rowBytes());
      }
    }
  }

  private long panelStart(int item, int column, int k, int steps, int packedFrom) {
    return column >= packedFrom
        ? (long) (column - packedFrom) * steps * Float.BYTES
        : b.start(item) + k * b.rowBytes() + (long) column * Float.BYTES;
  }
}
