package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Matrix product of a tall A, whose rows are contiguous, and a B of 13 to 16 columns, with 512-bit
 * vectors: 16 rows at a time, a slice of k after the other.
 */
final class TallGemm extends ProductKernel implements ThreadTeam.Task {
  // So deep, a panel of B and the rows of A fill two thirds of the first-level cache.
  private static final int SLICE = 256;

  private static final int ROWS = SquareTile.ROWS;
  private static final int WIDTH = Lanes.COUNT;
  private static final int MIN_ROWS = 4 * ROWS;

  // Dot products compute no column for nothing, and are as fast with fewer.
  private static final int MIN_COLUMNS = 13;

  private static final int MIN_DEPTH = 64;
  private static final int MAX_DEPTH = 8192;
  private static final long CRUMB = 1 << 18;

  private final int blocks;

  /** Sizes must not be 0. */
  TallGemm(ThreadTeam team, GemmScratch[] scratch, Product product) {
    super(team, scratch, product);
    long crumbs = Math.ceilDiv(shape.multiplyAdds(), CRUMB);
    long most = Math.min(team.enoughTasks(), crumbs) / shape.batch();
    blocks = Math.clamp(most, 1, Math.ceilDiv(shape.m(), ROWS));
  }

  /** Whether this way suits a product. */
  static boolean suits(Product product) {
    GemmShape shape = product.shape();
    return WIDTH == ROWS
        && product.a().columnStride() == 1
        && product.c().columnStride() == 1
        && shape.n() >= MIN_COLUMNS
        && shape.n() <= WIDTH
        && shape.m() >= MIN_ROWS
        && shape.k() >= MIN_DEPTH
        && shape.k() <= MAX_DEPTH;
  }

  @Override
  public void run() {
    team.run(Math.multiplyExact(shape.batch(), blocks), this);
  }

  @Override
  public void run(int index, int worker) {
    int item = index / blocks;
    int tiles = Math.ceilDiv(shape.m(), ROWS);
    int row = GemmBlock.cut(tiles, index % blocks, blocks) * ROWS;
    int rowEnd = Math.min(shape.m(), GemmBlock.cut(tiles, index % blocks + 1, blocks) * ROWS);
    packB(item, scratch[worker]);
    for (int i = row; i < rowEnd; i += ROWS) {
      multiplyRows(scratch[worker], item, i, Math.min(ROWS, rowEnd - i));
    }
  }

  private void packB(int item, GemmScratch scratch) {
    for (int k = 0; k < shape.k(); k += SLICE) {
      Packing.packPanels(
          b.memory(),
          b.start(item) + k * b.rowBytes(),
          b.rowBytes(),
          b.columnBytes(),
          Math.min(SLICE, shape.k() - k),
          shape.n(),
          scratch.b(),
          k * GemmKernel.PANEL_ROW_BYTES,
          scratch);
    }
  }

  private void multiplyRows(GemmScratch scratch, int item, int row, int rows) {
    float[] sums = scratch.tile;
    Arrays.fill(sums, 0, ROWS * WIDTH, 0f);
    long from = a.start(item) + row * a.rowBytes();
    for (int k = 0; k < shape.k(); k += SLICE) {
      int steps = Math.min(SLICE, shape.k() - k);
      for (int i = 0; i < rows; i++) {
        long at = from + i * a.rowBytes() + (long) k * Float.BYTES;
        MemorySegment.copy(a.memory(), FLOAT, at, scratch.a, i * GemmKernel.A_STRIDE, steps);
      }
      long panel = k * GemmKernel.PANEL_ROW_BYTES;
      SquareTile.addRows(scratch.a, scratch.b(), panel, GemmKernel.PANEL_ROW_BYTES, steps, sums);
    }
    for (int i = 0; i < rows; i++) {
      long to = c.start(item) + (row + i) * c.rowBytes();
      GemmKernel.storeRow(sums, i * WIDTH, shape.n(), alpha, accumulate, c.memory(), to);
    }
  }
}
