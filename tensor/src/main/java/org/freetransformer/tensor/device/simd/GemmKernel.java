package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost loops of matrix multiplication: a tile of C that stays in vector registers while k
 * runs. Rows of A come from a {@code float[]} with constant row stride {@link #A_STRIDE}, the panel
 * of B ({@link #COLUMNS} wide, rows one after the other) from off-heap memory.
 *
 * <p>Each element of every tile is one chain of fused multiply-adds over ascending k, whatever the
 * tile's height, so the height never shows in the result.
 *
 * <p>These methods must stay small: one that overflows C1's virtual registers can lose its way to
 * C2 for good and run a hundred times slower (HotKernelsTest). Hence A from an array, and tiles
 * that are stored to {@code tile} first and added to C by a rolled loop.
 */
final class GemmKernel {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  static final int LANES = SPECIES.length();

  /** Width of a tile and of a panel of B: two vectors. */
  static final int COLUMNS = 2 * LANES;

  /** Largest number of steps of k in one call. */
  static final int MAX_DEPTH = 512;

  /** Distance of A's rows: the odd cache line keeps rows from falling into the same L1 set. */
  static final int A_STRIDE = MAX_DEPTH + 16;

  // 24 accumulators fit the 32 registers that come with 512-bit vectors, 12 the 16 of AVX2.
  private static final boolean MANY_REGISTERS = SPECIES.vectorBitSize() >= 512;

  /** Height of the largest tile. */
  static final int ROWS = MANY_REGISTERS ? 12 : 6;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int VECTOR_BYTES = LANES * Float.BYTES;
  private static final int PANEL_ROW_BYTES = COLUMNS * Float.BYTES;

  private GemmKernel() {}

  /**
   * Multiplies {@code rows} rows of A with a panel of B into {@code tile} (row-major, {@link
   * #COLUMNS} wide). Rows of {@code tile} past {@code rows} are left with arbitrary values.
   *
   * @param a rows of A, the first at {@code aStart}, each {@code depth} long
   * @param b holds the panel, [depth, COLUMNS], from byte {@code bStart}
   * @param rows 1 … {@link #ROWS}
   */
  static void multiply(
      float[] a, int aStart, MemorySegment b, long bStart, int depth, int rows, float[] tile) {
    if (MANY_REGISTERS && rows > 6) {
      multiply12(a, aStart, b, bStart, depth, tile);
    } else {
      multiply6(a, aStart, b, bStart, depth, tile);
    }
  }

  static void multiply12(
      float[] a, int aStart, MemorySegment b, long bStart, int depth, float[] tile) {
    FloatVector c0l = FloatVector.zero(SPECIES);
    FloatVector c0r = FloatVector.zero(SPECIES);
    FloatVector c1l = FloatVector.zero(SPECIES);
    FloatVector c1r = FloatVector.zero(SPECIES);
    FloatVector c2l = FloatVector.zero(SPECIES);
    FloatVector c2r = FloatVector.zero(SPECIES);
    FloatVector c3l = FloatVector.zero(SPECIES);
    FloatVector c3r = FloatVector.zero(SPECIES);
    FloatVector c4l = FloatVector.zero(SPECIES);
    FloatVector c4r = FloatVector.zero(SPECIES);
    FloatVector c5l = FloatVector.zero(SPECIES);
    FloatVector c5r = FloatVector.zero(SPECIES);
    FloatVector c6l = FloatVector.zero(SPECIES);
    FloatVector c6r = FloatVector.zero(SPECIES);
    FloatVector c7l = FloatVector.zero(SPECIES);
    FloatVector c7r = FloatVector.zero(SPECIES);
    FloatVector c8l = FloatVector.zero(SPECIES);
    FloatVector c8r = FloatVector.zero(SPECIES);
    FloatVector c9l = FloatVector.zero(SPECIES);
    FloatVector c9r = FloatVector.zero(SPECIES);
    FloatVector c10l = FloatVector.zero(SPECIES);
    FloatVector c10r = FloatVector.zero(SPECIES);
    FloatVector c11l = FloatVector.zero(SPECIES);
    FloatVector c11r = FloatVector.zero(SPECIES);
    for (int k = 0; k < depth; k++) {
      long row = bStart + (long) k * PANEL_ROW_BYTES;
      FloatVector bl = FloatVector.fromMemorySegment(SPECIES, b, row, ORDER);
      FloatVector br = FloatVector.fromMemorySegment(SPECIES, b, row + VECTOR_BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(SPECIES, a[aStart + k]);
      c0l = x.fma(bl, c0l);
      c0r = x.fma(br, c0r);
      x = FloatVector.broadcast(SPECIES, a[aStart + A_STRIDE + k]);
      c1l = x.fma(bl, c1l);
      c1r = x.fma(br, c1r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 2 * A_STRIDE + k]);
      c2l = x.fma(bl, c2l);
      c2r = x.fma(br, c2r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 3 * A_STRIDE + k]);
      c3l = x.fma(bl, c3l);
      c3r = x.fma(br, c3r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 4 * A_STRIDE + k]);
      c4l = x.fma(bl, c4l);
      c4r = x.fma(br, c4r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 5 * A_STRIDE + k]);
      c5l = x.fma(bl, c5l);
      c5r = x.fma(br, c5r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 6 * A_STRIDE + k]);
      c6l = x.fma(bl, c6l);
      c6r = x.fma(br, c6r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 7 * A_STRIDE + k]);
      c7l = x.fma(bl, c7l);
      c7r = x.fma(br, c7r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 8 * A_STRIDE + k]);
      c8l = x.fma(bl, c8l);
      c8r = x.fma(br, c8r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 9 * A_STRIDE + k]);
      c9l = x.fma(bl, c9l);
      c9r = x.fma(br, c9r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 10 * A_STRIDE + k]);
      c10l = x.fma(bl, c10l);
      c10r = x.fma(br, c10r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 11 * A_STRIDE + k]);
      c11l = x.fma(bl, c11l);
      c11r = x.fma(br, c11r);
    }
    c0l.intoArray(tile, 0 * COLUMNS);
    c0r.intoArray(tile, 0 * COLUMNS + LANES);
    c1l.intoArray(tile, 1 * COLUMNS);
    c1r.intoArray(tile, 1 * COLUMNS + LANES);
    c2l.intoArray(tile, 2 * COLUMNS);
    c2r.intoArray(tile, 2 * COLUMNS + LANES);
    c3l.intoArray(tile, 3 * COLUMNS);
    c3r.intoArray(tile, 3 * COLUMNS + LANES);
    c4l.intoArray(tile, 4 * COLUMNS);
    c4r.intoArray(tile, 4 * COLUMNS + LANES);
    c5l.intoArray(tile, 5 * COLUMNS);
    c5r.intoArray(tile, 5 * COLUMNS + LANES);
    c6l.intoArray(tile, 6 * COLUMNS);
    c6r.intoArray(tile, 6 * COLUMNS + LANES);
    c7l.intoArray(tile, 7 * COLUMNS);
    c7r.intoArray(tile, 7 * COLUMNS + LANES);
    c8l.intoArray(tile, 8 * COLUMNS);
    c8r.intoArray(tile, 8 * COLUMNS + LANES);
    c9l.intoArray(tile, 9 * COLUMNS);
    c9r.intoArray(tile, 9 * COLUMNS + LANES);
    c10l.intoArray(tile, 10 * COLUMNS);
    c10r.intoArray(tile, 10 * COLUMNS + LANES);
    c11l.intoArray(tile, 11 * COLUMNS);
    c11r.intoArray(tile, 11 * COLUMNS + LANES);
  }

  static void multiply6(
      float[] a, int aStart, MemorySegment b, long bStart, int depth, float[] tile) {
    FloatVector c0l = FloatVector.zero(SPECIES);
    FloatVector c0r = FloatVector.zero(SPECIES);
    FloatVector c1l = FloatVector.zero(SPECIES);
    FloatVector c1r = FloatVector.zero(SPECIES);
    FloatVector c2l = FloatVector.zero(SPECIES);
    FloatVector c2r = FloatVector.zero(SPECIES);
    FloatVector c3l = FloatVector.zero(SPECIES);
    FloatVector c3r = FloatVector.zero(SPECIES);
    FloatVector c4l = FloatVector.zero(SPECIES);
    FloatVector c4r = FloatVector.zero(SPECIES);
    FloatVector c5l = FloatVector.zero(SPECIES);
    FloatVector c5r = FloatVector.zero(SPECIES);
    for (int k = 0; k < depth; k++) {
      long row = bStart + (long) k * PANEL_ROW_BYTES;
      FloatVector bl = FloatVector.fromMemorySegment(SPECIES, b, row, ORDER);
      FloatVector br = FloatVector.fromMemorySegment(SPECIES, b, row + VECTOR_BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(SPECIES, a[aStart + k]);
      c0l = x.fma(bl, c0l);
      c0r = x.fma(br, c0r);
      x = FloatVector.broadcast(SPECIES, a[aStart + A_STRIDE + k]);
      c1l = x.fma(bl, c1l);
      c1r = x.fma(br, c1r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 2 * A_STRIDE + k]);
      c2l = x.fma(bl, c2l);
      c2r = x.fma(br, c2r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 3 * A_STRIDE + k]);
      c3l = x.fma(bl, c3l);
      c3r = x.fma(br, c3r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 4 * A_STRIDE + k]);
      c4l = x.fma(bl, c4l);
      c4r = x.fma(br, c4r);
      x = FloatVector.broadcast(SPECIES, a[aStart + 5 * A_STRIDE + k]);
      c5l = x.fma(bl, c5l);
      c5r = x.fma(br, c5r);
    }
    c0l.intoArray(tile, 0 * COLUMNS);
    c0r.intoArray(tile, 0 * COLUMNS + LANES);
    c1l.intoArray(tile, 1 * COLUMNS);
    c1r.intoArray(tile, 1 * COLUMNS + LANES);
    c2l.intoArray(tile, 2 * COLUMNS);
    c2r.intoArray(tile, 2 * COLUMNS + LANES);
    c3l.intoArray(tile, 3 * COLUMNS);
    c3r.intoArray(tile, 3 * COLUMNS + LANES);
    c4l.intoArray(tile, 4 * COLUMNS);
    c4r.intoArray(tile, 4 * COLUMNS + LANES);
    c5l.intoArray(tile, 5 * COLUMNS);
    c5r.intoArray(tile, 5 * COLUMNS + LANES);
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
    for (int i = 0; i < rows; i++) {
      storeRow(tile, i * COLUMNS, columns, alpha, add, c, cStart + i * cRowBytes);
    }
  }

  static void storeRow(
      float[] tile, int from, int columns, float alpha, boolean add, MemorySegment c, long cStart) {
    FloatVector scale = FloatVector.broadcast(SPECIES, alpha);
    int j = 0;
    for (; j <= columns - LANES; j += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, tile, from + j);
      long at = cStart + (long) j * Float.BYTES;
      FloatVector y =
          add ? x.fma(scale, FloatVector.fromMemorySegment(SPECIES, c, at, ORDER)) : x.mul(scale);
      y.intoMemorySegment(c, at, ORDER);
    }
    for (; j < columns; j++) {
      long at = cStart + (long) j * Float.BYTES;
      float x = tile[from + j];
      c.set(FLOAT, at, add ? Math.fma(x, alpha, c.get(FLOAT, at)) : x * alpha);
    }
  }
}
