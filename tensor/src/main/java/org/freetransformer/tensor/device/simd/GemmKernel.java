package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Lanes.ORDER;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;
import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * The innermost step of matrix multiplication: a tile of C that stays in vector registers while k
 * runs, and then its way into memory. Rows or columns of A come from a {@code float[]}, rows of B
 * from off-heap memory.
 *
 * <p>Each element of every tile is one chain of fused multiply-adds over ascending k, whatever the
 * tile's height and A's form, so neither shows in the result.
 *
 * <p>The tiles' methods must stay small: one that overflows C1's virtual registers can lose its way
 * to C2 for good and run a hundred times slower (HotKernelsTest). Hence A from an array, and tiles
 * that are stored to {@code tile} first and added to C by a rolled loop.
 */
final class GemmKernel {
  /** Width of a tile and of a panel of B: two vectors. */
  static final int COLUMNS = 2 * Lanes.COUNT;

  /** Largest number of steps of k in one call. */
  static final int MAX_DEPTH = 512;

  // 24 accumulators fit the 32 registers that come with 512-bit vectors, 12 the 16 of AVX2.
  private static final boolean MANY_REGISTERS = SPECIES.vectorBitSize() >= 512;

  /**
   * Distance of A's rows: the odd cache line keeps rows from falling into the same L1 set. Where a
   * tile has many, one element more lets each row's line end at another step of k.
   */
  static final int A_STRIDE = MAX_DEPTH + (MANY_REGISTERS ? 17 : 16);

  /** Height of the largest tile. */
  static final int ROWS = MANY_REGISTERS ? 12 : 6;

  /** Whether B may lie in other than packed panels. */
  static final boolean READS_IN_PLACE = MANY_REGISTERS;

  /** Whether packed panels had better be in an array: see {@link FencedTile}. */
  static final boolean READS_ARRAYS = !MANY_REGISTERS && Lanes.COUNT >= 4 && isX86();

  static final long VECTOR_BYTES = (long) Lanes.COUNT * Float.BYTES;

  /** Distance of the rows of a packed panel of B. */
  static final long PANEL_ROW_BYTES = 2 * VECTOR_BYTES;

  /** The same, as the step of a loop. */
  static final int PANEL_STEP = COLUMNS * Float.BYTES;

  // C2 unrolls a loop unless its step is over 32, or over 64 with 512-bit vectors: seen with JDK
  // 25.
  private static final int UNROLLED_STEP = Math.max(32, 4 * Lanes.COUNT);

  private GemmKernel() {}

  /**
   * By how many bits a loop's counter is to be shifted, so that C2 does not unroll the loop.
   *
   * @param step of what the loop counts, a power of two
   */
  static int scaleOfSteps(int step) {
    int scale = 0;
    while (step << scale <= UNROLLED_STEP) {
      scale++;
    }
    return scale;
  }

  private static boolean isX86() {
    String architecture = System.getProperty("os.arch");
    return architecture.equals("amd64") || architecture.equals("x86_64");
  }

  /**
   * Multiplies {@code rows} rows of A with {@link #COLUMNS} columns of B into {@code tile}
   * (row-major, {@link #COLUMNS} wide). Rows of {@code tile} past {@code rows} are left with
   * arbitrary values.
   *
   * @param a row i at {@code aStart + i * A_STRIDE}, or column k at {@code aStart + k * ROWS}
   * @param byColumns which of the two
   * @param bStart first byte in {@code b}
   * @param bRow distance of B's rows in bytes; other than {@link #PANEL_ROW_BYTES} only where
   *     {@link #READS_IN_PLACE}
   * @param rows 1 … {@link #ROWS}
   */
  static void multiply(
      float[] a,
      int aStart,
      boolean byColumns,
      MemorySegment b,
      long bStart,
      long bRow,
      int depth,
      int rows,
      float[] tile) {
    if (!MANY_REGISTERS) {
      if (byColumns) {
        ColumnTile.multiply6(a, aStart, b, bStart, depth, tile);
      } else {
        RowTile.multiply6(a, aStart, b, bStart, depth, tile);
      }
    } else if (byColumns) {
      if (rows > 5) {
        ColumnTile.multiply12(a, aStart, b, bStart, bRow, depth, tile);
      } else {
        ColumnTile.multiply5(a, aStart, b, bStart, bRow, depth, tile);
      }
    } else if (rows > 5) {
      RowTile.multiply12(a, aStart, b, bStart, bRow, depth, tile);
    } else {
      RowTile.multiply5(a, aStart, b, bStart, bRow, depth, tile);
    }
  }

  /**
   * The same with a panel of B in an array, where {@link #READS_ARRAYS} and the depth is even.
   *
   * @param bStart first element in {@code b}
   */
  static void multiply(
      float[] a, int aStart, boolean byColumns, float[] b, int bStart, int depth, float[] tile) {
    multiply(a, aStart, byColumns, b, bStart, depth, tile, 0, COLUMNS);
  }

  /**
   * The same into a larger matrix, of which all {@link #ROWS} rows of the tile are overwritten.
   *
   * @param cStart where the tile's first row goes
   * @param cRow distance of its rows
   */
  static void multiply(
      float[] a,
      int aStart,
      boolean byColumns,
      float[] b,
      int bStart,
      int depth,
      float[] c,
      int cStart,
      int cRow) {
    if (byColumns) {
      FencedTile.multiplyColumns(a, aStart, b, bStart, depth, c, cStart, cRow);
    } else {
      FencedTile.multiplyRows(a, aStart, b, bStart, depth, c, cStart, cRow);
    }
  }

  /**
   * Sets or adds to the leading {@code rows} × {@code columns} corner of a tile's place in C: C =
   * alpha·tile, or C += alpha·tile.
   *
   * @param cStart first byte in {@code c}
   * @param cRowBytes distance of C's rows in bytes
   */
  static void store(
      float[] tile,
      int rows,
      int columns,
      float alpha,
      boolean add,
      MemorySegment c,
      long cStart,
      long cRowBytes) {
    if (columns == COLUMNS) {
      if (add) {
        addWhole(tile, rows, alpha, c, cStart, cRowBytes);
      } else {
        setWhole(tile, rows, alpha, c, cStart, cRowBytes);
      }
      return;
    }
    for (int i = 0; i < rows; i++) {
      storeRow(tile, i * COLUMNS, columns, alpha, add, c, cStart + i * cRowBytes);
    }
  }

  private static void addWhole(
      float[] tile, int rows, float alpha, MemorySegment c, long cStart, long cRowBytes) {
    FloatVector scale = FloatVector.broadcast(SPECIES, alpha);
    MemorySegment to = Lanes.offHeap(c);
    for (int i = 0; i < rows; i++) {
      long at = cStart + i * cRowBytes;
      FloatVector l = FloatVector.fromArray(SPECIES, tile, i * COLUMNS);
      FloatVector r = FloatVector.fromArray(SPECIES, tile, i * COLUMNS + Lanes.COUNT);
      l.fma(scale, FloatVector.fromMemorySegment(SPECIES, c, at, ORDER))
          .intoMemorySegment(to, at, ORDER);
      r.fma(scale, FloatVector.fromMemorySegment(SPECIES, c, at + VECTOR_BYTES, ORDER))
          .intoMemorySegment(to, at + VECTOR_BYTES, ORDER);
    }
  }

  private static void setWhole(
      float[] tile, int rows, float alpha, MemorySegment c, long cStart, long cRowBytes) {
    FloatVector scale = FloatVector.broadcast(SPECIES, alpha);
    MemorySegment to = Lanes.offHeap(c);
    for (int i = 0; i < rows; i++) {
      long at = cStart + i * cRowBytes;
      FloatVector.fromArray(SPECIES, tile, i * COLUMNS).mul(scale).intoMemorySegment(to, at, ORDER);
      FloatVector.fromArray(SPECIES, tile, i * COLUMNS + Lanes.COUNT)
          .mul(scale)
          .intoMemorySegment(to, at + VECTOR_BYTES, ORDER);
    }
  }

  static void storeRow(
      float[] tile, int from, int columns, float alpha, boolean add, MemorySegment c, long cStart) {
    FloatVector scale = FloatVector.broadcast(SPECIES, alpha);
    MemorySegment to = Lanes.offHeap(c);
    int j = 0;
    for (; j <= columns - Lanes.COUNT; j += Lanes.COUNT) {
      FloatVector x = FloatVector.fromArray(SPECIES, tile, from + j);
      long at = cStart + (long) j * Float.BYTES;
      FloatVector y =
          add ? x.fma(scale, FloatVector.fromMemorySegment(SPECIES, c, at, ORDER)) : x.mul(scale);
      y.intoMemorySegment(to, at, ORDER);
    }
    for (; j < columns; j++) {
      long at = cStart + (long) j * Float.BYTES;
      float x = tile[from + j];
      c.set(FLOAT, at, add ? Math.fma(x, alpha, c.get(FLOAT, at)) : x * alpha);
    }
  }
}
