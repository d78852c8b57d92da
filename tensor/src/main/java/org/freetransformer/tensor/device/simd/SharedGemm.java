package org.freetransformer.tensor.device.simd;

/**
 * Matrix product of several threads that share the packed B: for each block of columns and slice of
 * k, all pack their part of the panels, then each takes rows of A down the whole block. Tasks on
 * their own (see {@link BlockedGemm}) would pack each part of B once for every block of rows beside
 * it, and A for every block of columns.
 */
final class SharedGemm implements Runnable {
  // Members meet twice a block, which must not show.
  private static final long MIN_MULTIPLY_ADDS = 1 << 25;

  private final ThreadTeam team;
  private final GemmScratch[] scratch;
  private final GemmShape shape;
  private final GemmBlock block;
  private final int columnsAtOnce;
  private final int tiles;
  private final int rowTasks;
  private final ThreadTeam.Task packing = this::pack;
  private final ThreadTeam.Task multiplying = this::multiply;

  // The block at hand; ThreadTeam.run publishes it.
  private int item;
  private int column;
  private int columnEnd;
  private int k;
  private int steps;
  private int packingTasks;

  SharedGemm(ThreadTeam team, GemmScratch[] scratch, GemmShape shape, GemmBlock block) {
    this.team = team;
    this.scratch = scratch;
    this.shape = shape;
    this.block = block;
    scratch[0].takePanels();
    int allPanels = Math.ceilDiv(shape.n(), GemmKernel.COLUMNS);
    int blocks = Math.ceilDiv(allPanels, block.maxPanels());
    columnsAtOnce = Math.ceilDiv(allPanels, blocks) * GemmKernel.COLUMNS;
    tiles = Math.ceilDiv(shape.m(), GemmKernel.ROWS);
    rowTasks = Math.min(tiles, team.enoughTasks());
  }

  /** Whether tasks on their own would pack much of B more than once, and there is enough to do. */
  static boolean suits(ThreadTeam team, GemmShape shape, GemmBlock block) {
    long enough = team.enoughTasks();
    return team.size() > 1
        && !block.sumsApart()
        && shape.multiplyAdds() / shape.batch() >= MIN_MULTIPLY_ADDS
        && shape.m() * enough > shape.n()
        && shape.m() >= enough * GemmKernel.ROWS;
  }

  @Override
  public void run() {
    for (item = 0; item < shape.batch(); item++) {
      for (column = 0; column < shape.n(); column += columnsAtOnce) {
        columnEnd = Math.min(shape.n(), column + columnsAtOnce);
        int here = Math.ceilDiv(columnEnd - column, GemmKernel.COLUMNS);
        packingTasks = Math.min(here, team.enoughTasks());
        for (k = 0; k < shape.k(); k += block.depth()) {
          steps = Math.min(block.depth(), shape.k() - k);
          team.run(packingTasks, packing);
          team.run(rowTasks, multiplying);
        }
      }
    }
  }

  private void pack(int index, int worker) {
    int here = Math.ceilDiv(columnEnd - column, GemmKernel.COLUMNS);
    int first = GemmBlock.cut(here, index, packingTasks) * GemmKernel.COLUMNS;
    int end = GemmBlock.cut(here, index + 1, packingTasks) * GemmKernel.COLUMNS;
    int to = first * GemmBlock.panelDepth(steps);
    int last = Math.min(columnEnd, column + end);
    block.packB(scratch[worker], scratch[0], to, item, k, steps, column + first, last);
  }

  private void multiply(int index, int worker) {
    int row = GemmBlock.cut(tiles, index, rowTasks) * GemmKernel.ROWS;
    int rowEnd = Math.min(shape.m(), GemmBlock.cut(tiles, index + 1, rowTasks) * GemmKernel.ROWS);
    block.multiply(
        scratch[worker], scratch[0], item, row, rowEnd, column, columnEnd, column, k, steps);
  }
}
