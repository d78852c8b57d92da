package org.freetransformer.tensor.device.simd;

import java.util.Arrays;

/**
 * Matrix product of a C that one panel covers, from a transposed A, as in the gradient of a narrow
 * layer: k is long, and with k outermost both sides are panels already, all but for their distance.
 * So both are packed as panels, a slice at a time that stays in the first-level cache.
 *
 * <p>A task is a part of k, since C has nothing to share; parts depend on k alone, and their sums
 * are added in order.
 */
final class NarrowGemm extends ProductKernel implements ThreadTeam.Task {
  // Two panels so deep fill half of the first-level cache.
  private static final int SLICE = 128;

  private static final int SLICES_OF_A_PART = 8;
  private static final int MOST_PARTS = 64;

  // Panels of two vectors, or of one where a vector is as wide as the tile.
  private static final boolean SQUARE = Lanes.COUNT == SquareTile.ROWS;
  private static final int WIDTH = SQUARE ? Lanes.COUNT : GemmKernel.COLUMNS;

  private final int partDepth;
  private final int parts;

  // Of each item and part, the rows of a tile that C is the corner of.
  private final float[] sums;

  /** Sizes must not be 0. */
  NarrowGemm(ThreadTeam team, GemmScratch[] scratch, Product product) {
    super(team, scratch, product);
    int even = Math.ceilDiv(Math.ceilDiv(shape.k(), MOST_PARTS), SLICE) * SLICE;
    partDepth = Math.max(SLICES_OF_A_PART * SLICE, even);
    parts = Math.ceilDiv(shape.k(), partDepth);
    sums = new float[Math.multiplyExact(shape.batch() * parts, WIDTH * WIDTH)];
  }

  /** Whether this way suits a product. */
  static boolean suits(Product product) {
    GemmShape shape = product.shape();
    StridedMatrix a = product.a();
    return (SQUARE ? suitsSquare(product) : GemmKernel.READS_ARRAYS)
        && a.rowStride() == 1
        && a.columnStride() != 1
        && product.c().columnStride() == 1
        && Math.min(shape.m(), shape.n()) > SkinnyGemm.ROWS
        && Math.max(shape.m(), shape.n()) <= WIDTH
        && shape.k() >= SLICE
        && shape.batch() <= MOST_PARTS;
  }

  // With fewer rows most of the tile is for nothing; columns of B would have to be turned.
  private static boolean suitsSquare(Product product) {
    return product.shape().m() > SquareTile.ROWS / 2 && product.b().columnStride() == 1;
  }

  @Override
  public void run() {
    team.run(shape.batch() * parts, this);
    for (int item = 0; item < shape.batch(); item++) {
      int first = item * parts * WIDTH * WIDTH;
      for (int part = 1; part < parts; part++) {
        int from = first + part * WIDTH * WIDTH;
        for (int i = 0; i < shape.m() * WIDTH; i++) {
          sums[first + i] += sums[from + i];
        }
      }
      for (int i = 0; i < shape.m(); i++) {
        long row = c.start(item) + i * c.rowBytes();
        int from = first + i * WIDTH;
        GemmKernel.storeRow(sums, from, shape.n(), alpha, accumulate, c.memory(), row);
      }
    }
  }

  /** Sums up a part of k. */
  @Override
  public void run(int index, int worker) {
    int item = index / parts;
    int begin = index % parts * partDepth;
    int end = Math.min(shape.k(), begin + partDepth);
    int to = index * WIDTH * WIDTH;
    Arrays.fill(sums, to, to + WIDTH * WIDTH, 0f);
    for (int k = begin; k < end; k += SLICE) {
      addSlice(scratch[worker], item, k, Math.min(SLICE, end - k), to);
    }
  }

  private void addSlice(GemmScratch scratch, int item, int k, int steps, int to) {
    float[] panels = scratch.a;
    int bPanel = SLICE * WIDTH;
    pack(a.transposed(), item, k, steps, shape.m(), scratch, 0);
    pack(b, item, k, steps, shape.n(), scratch, bPanel);
    if (SQUARE) {
      SquareTile.addColumns(panels, 0, panels, bPanel, steps, sums, to);
      return;
    }
    int depth = ArrayPacking.evenDepth(steps);
    for (int i = 0; i < shape.m(); i += PanelTile.ROWS) {
      PanelTile.add(panels, i, panels, bPanel, depth, sums, to + i * WIDTH);
    }
  }

  private static void pack(
      StridedMatrix x, int item, int k, int steps, int columns, GemmScratch scratch, int to) {
    long start = x.start(item) + k * x.rowBytes();
    if (SQUARE) {
      ArrayPacking.packVectors(x.memory(), start, x.rowBytes(), steps, columns, scratch.a, to);
      return;
    }
    ArrayPacking.packPanels(
        x.memory(),
        start,
        x.rowBytes(),
        x.columnBytes(),
        steps,
        columns,
        scratch.a,
        to,
        scratch.rows);
  }
}
