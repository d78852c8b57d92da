package org.freetransformer.tensor.device.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What one member of the team packs operands into; never shared between members. */
final class GemmScratch {
  private static final long CACHE_LINE = 64;
  private static final int LINE_ELEMENTS = (int) (CACHE_LINE / Float.BYTES);

  // Beyond this, packed panels do not gain from staying in the cache.
  private static final long MOST_PANEL_BYTES = 1 << 20;

  /**
   * Elements of packed B that tiles go over before they turn to the next: three quarters of the
   * second-level cache, and at most a megabyte.
   */
  static final int PANEL_ELEMENTS =
      (int) (Math.min(Caches.secondLevel() / 4 * 3, MOST_PANEL_BYTES) / Float.BYTES);

  /** Elements of B packed at a time: the more, the less often A is packed. */
  static final int BLOCK_ELEMENTS = 3 * PANEL_ELEMENTS;

  /** Elements of {@link #rows}. */
  static final int ROW_ELEMENTS = Math.max(SkinnyGemm.MAX_ROWS * SkinnyGemm.STRIP, TurnedGemm.SUMS);

  /**
   * Tiles for which A is packed at a time: a transposed A is then read in runs of some cache lines.
   */
  static final int TILES = 16;

  /**
   * Distance of tiles in {@link #a}, whole cache lines; leaves room for a vector that overhangs the
   * last column.
   */
  static final int A_TILE =
      Math.ceilDiv(GemmKernel.ROWS * GemmKernel.A_STRIDE, LINE_ELEMENTS) * LINE_ELEMENTS;

  /** Where row {@code i} of A begins in {@link #a}. */
  static int rowOfA(int i) {
    return i / GemmKernel.ROWS * A_TILE + i % GemmKernel.ROWS * GemmKernel.A_STRIDE;
  }

  /** Rows or columns of A, tile by tile. */
  final float[] a = new float[TILES * A_TILE];

  /** A tile of C on its way from registers to memory. */
  final float[] tile = new float[GemmKernel.ROWS * GemmKernel.COLUMNS];

  /**
   * Dot products before their lanes are added up; also for {@link RowDots#split} and {@link
   * TileTurner}.
   */
  final float[] lanes =
      new float
          [Math.max(
              SkinnyKernel.ROWS * SkinnyKernel.DOT_COLUMNS * Lanes.COUNT,
              TileTurner.SCRATCH_ELEMENTS)];

  /** Where columns of W begin. */
  final long[] columns = new long[SkinnyKernel.DOT_COLUMNS];

  /** Sums of a strip of a few rows, or of {@link TurnedGemm}; also for {@link ArrayTransposer}. */
  final float[] rows = new float[ROW_ELEMENTS];

  /** Columns of 16 bits, a vector's width of them, widened on their way into panels. */
  final MemorySegment wide;

  /** For {@link Transposer}. */
  final MemorySegment blocks;

  private final Arena arena;
  private MemorySegment b = MemorySegment.NULL;
  private float[] panels = {};
  private float[] turned = {};
  private MemorySegment sums = MemorySegment.NULL;
  private MemorySegment left = MemorySegment.NULL;

  GemmScratch(Arena arena) {
    this.arena = arena;
    wide = arena.allocate((long) Lanes.COUNT * GemmKernel.A_STRIDE * Float.BYTES, CACHE_LINE);
    blocks = arena.allocate(Transposer.SCRATCH_BYTES, CACHE_LINE);
  }

  /** Takes the memory that tiles read panels from, megabytes, unless it was needed before. */
  void takePanels() {
    if (GemmKernel.READS_ARRAYS) {
      panels();
    } else {
      b();
    }
  }

  /** Panels of B, each [depth, GemmKernel.COLUMNS]. */
  MemorySegment b() {
    if (b.byteSize() == 0) {
      b = arena.allocate((long) BLOCK_ELEMENTS * Float.BYTES, CACHE_LINE);
    }
    return b;
  }

  /** The same, where tiles read arrays. */
  float[] panels() {
    if (panels.length == 0) {
      panels = new float[BLOCK_ELEMENTS];
    }
    return panels;
  }

  /** Sums of {@link #rows}, turned by {@link TurnedGemm}. */
  float[] turned() {
    if (turned.length == 0) {
      turned = new float[ROW_ELEMENTS];
    }
    return turned;
  }

  /** Makes {@link #panels} at least so long. */
  void requirePanels(int elements) {
    if (panels.length < elements) {
      panels = new float[Math.max(elements, BLOCK_ELEMENTS)];
    }
  }

  /** Makes {@link #sums} at least so long. */
  void requireSums(long bytes) {
    sums = atLeast(sums, bytes);
  }

  /**
   * Memory of at least so many bytes for the rows of X that {@link RowDots} holds, of the first
   * member for all of the team.
   */
  MemorySegment left(long bytes) {
    left = atLeast(left, bytes);
    return left;
  }

  /** By powers of two, so that what grew several times takes no more than twice as much. */
  private MemorySegment atLeast(MemorySegment memory, long bytes) {
    return memory.byteSize() >= bytes
        ? memory
        : arena.allocate(Long.highestOneBit(2 * bytes - 1), CACHE_LINE);
  }

  /** A block of C in f32 while k runs, where C itself is of 16 bits. */
  MemorySegment sums() {
    return sums;
  }
}
