package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;

/**
 * Matrix product of some tens of rows, up to 256, with a transposed B, as a linear layer's:
 * computed as Cᵀ = Bᵀ·Aᵀ, because rows of Bᵀ lie as tiles want their left side. So the large matrix
 * is only copied, each row all along k, and turned are the few rows of A and the tiles of C.
 */
final class TurnedGemm extends ProductKernel {
  // With more rows, C's way to memory takes longer than packing B does.
  private static final int MAX_ROWS = 256;

  // With more rows than this and a single slice of k as well.
  private static final int MAX_ROWS_OF_ONE_SLICE = 128;

  // With more, few tiles stay in scratch memory while they meet many panels. With the large tiles
  // of many registers, panels of four slices no longer stay in the second-level cache.
  private static final int MAX_SLICES = GemmKernel.READS_ARRAYS ? 4 : 2;

  private static final int MIN_COLUMNS = 256;

  private static final int ROWS = GemmKernel.ROWS;
  private static final int COLUMNS = GemmKernel.COLUMNS;

  // Most columns of C that are turned at a time.
  private static final int RUN = GemmScratch.TILES * ROWS;

  // Panels that a tile meets before the next tile does.
  private static final int GROUP = 4;

  /** Most sums that are turned at a time. */
  static final int SUMS = GROUP * RUN * COLUMNS;

  private final int depth;
  private final int slices;
  private final int panels;
  private final int tiles;
  private final int tasks;
  // Tiles that scratch memory holds at a time.
  private final int kept;

  // Columns of C that are turned at a time.
  private final int run;

  private final ThreadTeam.Task packing = this::pack;
  private final ThreadTeam.Task multiplying = this::multiply;

  /** Sizes must not be 0. */
  TurnedGemm(ThreadTeam team, GemmScratch[] scratch, Product product) {
    super(team, scratch, product);
    depth = GemmBlock.depth(shape.k());
    slices = Math.ceilDiv(shape.k(), depth);
    panels = Math.ceilDiv(shape.m(), COLUMNS);
    tiles = Math.ceilDiv(shape.n(), ROWS);
    tasks = Math.min(team.enoughTasks(), Math.ceilDiv(tiles, GemmScratch.TILES));
    boolean once = panels <= GROUP;
    kept = once ? 1 : GemmScratch.TILES / slices;
    run = once ? RUN : kept * ROWS;
    if (GemmKernel.READS_ARRAYS) {
      scratch[0].requirePanels(panels * COLUMNS * slices * depth);
    }
  }

  /**
   * Whether this way suits a product: rows are more than {@link SkinnyGemm} takes and nearly fill
   * their panels, and there are several times as many columns.
   */
  static boolean suits(Product product) {
    GemmShape shape = product.shape();
    StridedMatrix b = product.b();
    int panels = Math.ceilDiv(shape.m(), COLUMNS);
    int unused = panels * COLUMNS - shape.m();
    return (GemmKernel.READS_ARRAYS || GemmKernel.READS_IN_PLACE)
        && shape.batch() == 1
        && b.rowStride() == 1
        && b.columnStride() != 1
        && product.c().columnStride() == 1
        && shape.m() > SkinnyGemm.MAX_ROWS
        && (unused < COLUMNS / 2 || unused <= shape.m() / 16)
        && shape.n() >= MIN_COLUMNS
        && shape.k() >= COLUMNS
        && (panels <= GROUP ? fits(shape, panels) : suitsMany(shape, panels));
  }

  /** Whether memory that scratch has takes A and a tile of B's rows with all of k. */
  private static boolean fits(GemmShape shape, int panels) {
    int depth = GemmBlock.depth(shape.k());
    int slices = Math.ceilDiv(shape.k(), depth);
    return slices <= GemmScratch.TILES
        && (long) panels * COLUMNS * slices * depth <= GemmScratch.BLOCK_ELEMENTS;
  }

  private static boolean suitsMany(GemmShape shape, int panels) {
    return shape.n() >= 3 * shape.m()
        && (GemmKernel.READS_ARRAYS || fits(shape, panels))
        && shape.m() <= (shape.k() > GemmKernel.MAX_DEPTH ? MAX_ROWS : MAX_ROWS_OF_ONE_SLICE)
        && shape.k() <= MAX_SLICES * GemmKernel.MAX_DEPTH;
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
    Panels.pack(
        a.memory(),
        start,
        a.columnBytes(),
        a.rowBytes(),
        steps(slice),
        Math.min(COLUMNS, shape.m() - row),
        scratch[0],
        panelAt(slice, panel),
        scratch[worker]);
  }

  /**
   * Computes some rows of Cᵀ. A tile is copied just before it meets the first panels. What a run of
   * tiles gave with some panels is turned when all have met them, and written between the next
   * tiles, so that nothing waits for its way to memory.
   */
  private void multiply(int index, int worker) {
    int column = GemmBlock.cut(tiles, index, tasks) * ROWS;
    int end = Math.min(shape.n(), GemmBlock.cut(tiles, index + 1, tasks) * ROWS);
    GemmScratch own = scratch[worker];
    int row = 0;
    int rows = 0;
    int from = 0;
    int width = 0;
    for (int j = column; j < end; j += run) {
      int columns = Math.min(run, end - j);
      int count = Math.ceilDiv(columns, ROWS);
      for (int panel = 0; panel < panels; panel += GROUP) {
        int group = Math.min(GROUP, panels - panel);
        for (int tile = 0; tile < count; tile++) {
          if (panel == 0) {
            copyTile(own.a, tile, j + tile * ROWS, Math.min(ROWS, columns - tile * ROWS));
          }
          multiplyTile(own, tile, panel, group);
          int first = GemmBlock.cut(rows, tile, count);
          store(own, row, first, GemmBlock.cut(rows, tile + 1, count), from, width);
        }
        turn(own, group, columns);
        row = panel * COLUMNS;
        rows = Math.min(group * COLUMNS, shape.m() - row);
        from = j;
        width = columns;
      }
    }
    store(own, row, 0, rows, from, width);
  }

  /** Copies a tile's columns of B, slice by slice, each with a 0 that makes an odd depth even. */
  private void copyTile(float[] to, int tile, int column, int columns) {
    for (int j = 0; j < columns; j++) {
      long from = b.start(0) + (column + j) * b.columnBytes();
      for (int slice = 0; slice < slices; slice++) {
        int at = tileAt(tile, slice) + j * GemmKernel.A_STRIDE;
        long start = from + (long) slice * depth * Float.BYTES;
        MemorySegment.copy(b.memory(), FLOAT, start, to, at, steps(slice));
        to[at + steps(slice)] = 0;
      }
    }
  }

  private int tileAt(int tile, int slice) {
    return (tile % kept * slices + slice) * GemmScratch.A_TILE;
  }

  /** Puts a tile's sums with a group of panels in their places among the run's. */
  private void multiplyTile(GemmScratch own, int tile, int panel, int group) {
    for (int each = 0; each < group; each++) {
      int to = each * RUN * COLUMNS + tile * ROWS * COLUMNS;
      for (int slice = 0; slice < slices; slice++) {
        int from = tileAt(tile, slice);
        int steps = Panels.depth(steps(slice));
        int at = panelAt(slice, panel + each);
        Panels.multiply(own.a, from, false, scratch[0], at, steps, ROWS, own.tile);
        if (slice == 0) {
          System.arraycopy(own.tile, 0, own.rows, to, own.tile.length);
        } else {
          Panels.addTile(own.tile, 0, ROWS, own.rows, to, COLUMNS);
        }
      }
    }
  }

  private static void turn(GemmScratch own, int group, int columns) {
    for (int each = 0; each < group; each++) {
      int from = each * RUN * COLUMNS;
      TileTurner.turn(own.rows, from, columns, own.turned(), from, RUN, own.lanes);
    }
  }

  /** Writes rows {@code first} to {@code end} of what was turned last to C. */
  private void store(GemmScratch own, int row, int first, int end, int column, int columns) {
    for (int i = first; i < end; i++) {
      long to = c.start(0) + (row + i) * c.rowBytes() + column * c.columnBytes();
      GemmKernel.storeRow(own.turned(), i * RUN, columns, alpha, accumulate, c.memory(), to);
    }
  }
}
