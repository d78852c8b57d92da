package org.freetransformer.tensor.device.simd;

import org.freetransformer.tensor.device.Kernel;

/**
 * Matrix product by blocks that know nothing of each other: a task is one block of C over all of k.
 * For each slice of k it packs its columns of B, then goes down its rows of A. See {@link
 * GemmBlock}.
 */
final class BlockedGemm implements Kernel, ThreadTeam.Task {
  private static final int MAX_TILES = 2400 / GemmKernel.ROWS;

  // With fewer rows than this, packing B costs more than reading it where it lies.
  private static final int MIN_ROWS_FOR_PACKING = 24;

  // Smaller problems are cut until there are enough tasks to share, but not into crumbs.
  private static final long CRUMB_MULTIPLY_ADDS = 1 << 18;

  private final ThreadTeam team;
  private final GemmScratch[] scratch;
  private final GemmShape shape;
  private final GemmBlock block;
  private final int tiles;
  private final int panels;
  private final int rowBlocks;
  private final int columnBlocks;
  private final boolean bInPlace;

  BlockedGemm(ThreadTeam team, GemmScratch[] scratch, GemmShape shape, GemmBlock block) {
    this.team = team;
    this.scratch = scratch;
    this.shape = shape;
    this.block = block;
    tiles = Math.ceilDiv(shape.m(), GemmKernel.ROWS);
    panels = Math.ceilDiv(shape.n(), GemmKernel.COLUMNS);
    int rowBlocks = Math.ceilDiv(tiles, MAX_TILES);
    int columnBlocks = Math.ceilDiv(panels, block.maxPanels());
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
    bInPlace =
        GemmKernel.READS_IN_PLACE
            && block.hasWholeRowsOfB()
            && shape.m() / rowBlocks < MIN_ROWS_FOR_PACKING;
    if (block.sumsApart()) {
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
    int row = GemmBlock.cut(tiles, rowBlock, rowBlocks) * GemmKernel.ROWS;
    int rowEnd =
        Math.min(shape.m(), GemmBlock.cut(tiles, rowBlock + 1, rowBlocks) * GemmKernel.ROWS);
    int column = GemmBlock.cut(panels, columnBlock, columnBlocks) * GemmKernel.COLUMNS;
    int columnEnd =
        Math.min(
            shape.n(), GemmBlock.cut(panels, columnBlock + 1, columnBlocks) * GemmKernel.COLUMNS);
    GemmScratch own = scratch[worker];
    for (int k = 0; k < shape.k(); k += block.depth()) {
      int steps = Math.min(block.depth(), shape.k() - k);
      int packedFrom = bInPlace ? columnEnd - columnEnd % GemmKernel.COLUMNS : column;
      if (packedFrom < columnEnd) {
        block.packB(own, own, 0, item, k, steps, packedFrom, columnEnd);
      }
      block.multiply(own, own, item, row, rowEnd, column, columnEnd, packedFrom, k, steps);
    }
    if (block.sumsApart()) {
      block.roundSums(own.sums(), item, row, rowEnd, column, columnEnd);
    }
  }
}
