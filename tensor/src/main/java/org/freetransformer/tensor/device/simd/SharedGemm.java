package org.freetransformer.tensor.device.simd;

import org.freetransformer.tensor.device.Kernel;

/**
 * Matrix product of several threads that share the packed B: for each block of columns and slice of
 * k, each takes rows of A down the whole block, and whoever finds no more rows packs a part of the
 * next block's panels, so that members wait for each other once a block and not long. Tasks on
 * their own (see {@link BlockedGemm}) would pack each part of B once for every block of rows beside
 * it, and A for every block of columns.
 */
final class SharedGemm implements Kernel {
  // Members meet at every block, which must not show.
  private static final long MIN_MULTIPLY_ADDS = 1 << 25;

  private final ThreadTeam team;
  private final GemmScratch[] scratch;
  private final GemmShape shape;
  private final GemmBlock block;
  private final int columnsAtOnce;
  private final int columnBlocks;
  private final int slices;
  private final int tiles;
  private final int rowTasks;
  private final ThreadTeam.Task tasks = this::task;

  // ThreadTeam.run publishes what they say.
  private Part here;
  private Part ahead;
  private int rowTasksHere;

  /** A slice of a block of columns, and whose memory takes its panels. */
  private static final class Part {
    final GemmScratch packed;
    int item;
    int column;
    int columnEnd;
    int k;
    int steps;
    int packingTasks;

    Part(GemmScratch packed) {
      this.packed = packed;
      packed.takePanels();
    }

    int panels() {
      return Math.ceilDiv(columnEnd - column, GemmKernel.COLUMNS);
    }
  }

  SharedGemm(ThreadTeam team, GemmScratch[] scratch, GemmShape shape, GemmBlock block) {
    this.team = team;
    this.scratch = scratch;
    this.shape = shape;
    this.block = block;
    here = new Part(scratch[0]);
    ahead = new Part(scratch[1]);
    int allPanels = Math.ceilDiv(shape.n(), GemmKernel.COLUMNS);
    int blocks = Math.ceilDiv(allPanels, block.maxPanels());
    columnsAtOnce = Math.ceilDiv(allPanels, blocks) * GemmKernel.COLUMNS;
    columnBlocks = Math.ceilDiv(shape.n(), columnsAtOnce);
    slices = Math.ceilDiv(shape.k(), block.depth());
    tiles = Math.ceilDiv(shape.m(), GemmKernel.ROWS);
    // Shorter tasks would pack fewer tiles of A at a time than GemmBlock does.
    int groups = Math.ceilDiv(tiles, GemmScratch.TILES);
    int even = Math.ceilDiv(groups, team.size()) * team.size();
    rowTasks = Math.min(tiles, Math.max(team.enoughTasks(), even));
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
    int parts = shape.batch() * columnBlocks * slices;
    place(0);
    rowTasksHere = 0;
    team.run(ahead.packingTasks, tasks);
    rowTasksHere = rowTasks;
    for (int next = 1; next <= parts; next++) {
      Part packed = ahead;
      ahead = here;
      here = packed;
      if (next < parts) {
        place(next);
      } else {
        ahead.packingTasks = 0;
      }
      team.run(rowTasks + ahead.packingTasks, tasks);
    }
  }

  /** Makes a part the one that is packed: slices of k after each other, then blocks of columns. */
  private void place(int part) {
    int columns = part / slices;
    ahead.item = columns / columnBlocks;
    ahead.column = columns % columnBlocks * columnsAtOnce;
    ahead.columnEnd = Math.min(shape.n(), ahead.column + columnsAtOnce);
    ahead.k = part % slices * block.depth();
    ahead.steps = Math.min(block.depth(), shape.k() - ahead.k);
    ahead.packingTasks = Math.min(ahead.panels(), team.enoughTasks());
  }

  /**
   * A member's share is some rows of this part and then, to end evenly, some of the next's panels.
   */
  private void task(int index, int worker) {
    int member = 0;
    while (firstTask(member + 1) <= index) {
      member++;
    }
    int row = GemmBlock.cut(rowTasksHere, member, team.size());
    int rows = GemmBlock.cut(rowTasksHere, member + 1, team.size()) - row;
    int task = index - firstTask(member);
    if (task < rows) {
      multiply(here, row + task, worker);
    } else {
      int packed = GemmBlock.cut(ahead.packingTasks, member, team.size());
      pack(ahead, packed + task - rows, worker);
    }
  }

  private int firstTask(int member) {
    return GemmBlock.cut(rowTasksHere, member, team.size())
        + GemmBlock.cut(ahead.packingTasks, member, team.size());
  }

  private void pack(Part part, int index, int worker) {
    int panels = part.panels();
    int first = GemmBlock.cut(panels, index, part.packingTasks) * GemmKernel.COLUMNS;
    int end = GemmBlock.cut(panels, index + 1, part.packingTasks) * GemmKernel.COLUMNS;
    int to = first * Panels.depth(part.steps);
    int from = part.column + first;
    int last = Math.min(part.columnEnd, part.column + end);
    block.packB(scratch[worker], part.packed, to, part.item, part.k, part.steps, from, last);
  }

  private void multiply(Part part, int index, int worker) {
    int row = GemmBlock.cut(tiles, index, rowTasks) * GemmKernel.ROWS;
    int rowEnd = Math.min(shape.m(), GemmBlock.cut(tiles, index + 1, rowTasks) * GemmKernel.ROWS);
    block.multiply(
        scratch[worker],
        part.packed,
        part.item,
        row,
        rowEnd,
        part.column,
        part.columnEnd,
        part.column,
        part.k,
        part.steps);
  }
}
