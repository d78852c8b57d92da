package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Matrix product of some tens of rows with a transposed B, as a linear layer's: computed as Cᵀ =
 * Bᵀ·Aᵀ, because rows of Bᵀ lie as tiles want their left side. So the large matrix is only copied,
 * each row all along k, and turned are the few rows of A and the tiles of C.
 */
final class TurnedGemm implements Runnable {
  /** Most rows of A; with more, packing B counts for little. */
  private static final int MAX_ROWS = 64;

  private static final int ROWS = GemmKernel.ROWS;
  private static final int COLUMNS = GemmKernel.COLUMNS;

  // Rows of C are written in runs of so many.
  private static final int RUN = GemmScratch.TILES * ROWS;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final ThreadTeam team;
  private final GemmScratch[] scratch;
  private final GemmShape shape;
  private final StridedMatrix a;
  private final StridedMatrix b;
  private final StridedMatrix c;
  private final float alpha;
  private final boolean accumulate;
  private final int depth;
  private final int slices;
  private final int panels;
  private final int tiles;
  private final int tasks;
  private final ThreadTeam.Task packing = this::pack;
  private final ThreadTeam.Task multiplying = this::multiply;

  /** Sizes must not be 0. */
  TurnedGemm(
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
    depth = GemmBlock.depth(shape.k());
    slices = Math.ceilDiv(shape.k(), depth);
    panels = Math.ceilDiv(shape.m(), COLUMNS);
    tiles = Math.ceilDiv(shape.n(), ROWS);
    tasks = Math.min(team.enoughTasks(), Math.ceilDiv(tiles, GemmScratch.TILES));
    scratch[0].takePanels();
  }

  /**
   * Whether this way suits a product: rows are more than {@link SkinnyGemm} takes and nearly fill
   * their panels, there are several times as many columns, and memory that scratch has takes A and
   * a tile of B's rows with all of k.
   */
  static boolean suits(GemmShape shape, StridedMatrix b, StridedMatrix c) {
    int filled = (shape.m() - 1) % COLUMNS + 1;
    int padded = shape.m() - filled + COLUMNS;
    int depth = GemmBlock.depth(shape.k());
    int slices = Math.ceilDiv(shape.k(), depth);
    return GemmKernel.READS_ARRAYS
        && shape.batch() == 1
        && b.rowStride() == 1
        && b.columnStride() != 1
        && c.columnStride() == 1
        && shape.m() > SkinnyGemm.MAX_ROWS
        && shape.m() <= MAX_ROWS
        && filled > COLUMNS / 2
        && shape.n() >= 4 * MAX_ROWS
        && shape.k() >= COLUMNS
        && slices <= GemmScratch.TILES
        && (long) padded * slices * depth <= GemmScratch.BLOCK_ELEMENTS;
  }

  @Override
  public void run() {
    team.run(slices * panels, packing);
    team.run(tasks, multiplying);
  }

  private int steps(int slice) {
    return Math.min(depth, shape.k() - slice * depth);
  }

  private int panelAt(int slice, int panel) {
    return (slice * panels + panel) * depth * COLUMNS;
  }

  /** Packs rows of A as one slice's panel. */
  private void pack(int index, int worker) {
    int slice = index / panels;
    int panel = index % panels;
    int row = panel * COLUMNS;
    int k = slice * depth;
    long start = a.start(0) + row * a.rowBytes() + k * a.columnBytes();
    ArrayPacking.packPanels(
        a.memory(),
        start,
        a.columnBytes(),
        a.rowBytes(),
        steps(slice),
        Math.min(COLUMNS, shape.m() - row),
        scratch[0].panels(),
        panelAt(slice, panel),
        scratch[worker].rows);
  }

  private void multiply(int index, int worker) {
    int column = GemmBlock.cut(tiles, index, tasks) * ROWS;
    int end = Math.min(shape.n(), GemmBlock.cut(tiles, index + 1, tasks) * ROWS);
    GemmScratch own = scratch[worker];
    for (int j = column; j < end; j += RUN) {
      int columns = Math.min(RUN, end - j);
      for (int tile = 0; tile < columns; tile += ROWS) {
        copyTile(j + tile, Math.min(ROWS, columns - tile), own.a);
        for (int panel = 0; panel < panels; panel++) {
          multiplyTile(own, panel);
          turn(own.tile, own.rows, panel * COLUMNS * RUN + tile);
        }
      }
      for (int i = 0; i < shape.m(); i++) {
        long to = c.start(0) + i * c.rowBytes() + j * c.columnBytes();
        GemmKernel.storeRow(own.rows, i * RUN, columns, alpha, accumulate, c.memory(), to);
      }
    }
  }

  /** Copies a tile's columns of B, slice by slice, each with a 0 that makes an odd depth even. */
  private void copyTile(int column, int columns, float[] to) {
    for (int j = 0; j < columns; j++) {
      long from = b.start(0) + (column + j) * b.columnBytes();
      for (int slice = 0; slice < slices; slice++) {
        int at = slice * GemmScratch.A_TILE + j * GemmKernel.A_STRIDE;
        long start = from + (long) slice * depth * Float.BYTES;
        MemorySegment.copy(b.memory(), FLOAT, start, to, at, steps(slice));
        to[at + steps(slice)] = 0;
      }
    }
  }

  private void multiplyTile(GemmScratch own, int panel) {
    for (int slice = 0; slice < slices; slice++) {
      int tile = slice * GemmScratch.A_TILE;
      int steps = ArrayPacking.evenDepth(steps(slice));
      float[] sums = slice == 0 ? own.tile : own.lanes;
      GemmKernel.multiply(
          own.a, tile, false, scratch[0].panels(), panelAt(slice, panel), steps, sums);
      if (slice > 0) {
        Panels.addTile(sums, 0, ROWS, own.tile, 0, COLUMNS);
      }
    }
  }

  private static void turn(float[] tile, float[] to, int at) {
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        to[at + j * RUN + i] = tile[i * COLUMNS + j];
      }
    }
  }
}
