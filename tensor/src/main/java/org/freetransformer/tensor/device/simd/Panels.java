package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Matrices in the form that {@link GemmKernel} reads: strips of {@link #WIDTH} columns, one after
 * the other, each with its rows at once; and rows of a {@code float[]} at a constant distance.
 * Strides are in bytes, and so are positions, but for those in the scratch memory of products.
 */
final class Panels {
  static final int WIDTH = GemmKernel.COLUMNS;
  static final long ROW_BYTES = (long) WIDTH * Float.BYTES;

  private Panels() {}

  /** How many panels hold so many columns. */
  static int count(int columns) {
    return Math.ceilDiv(columns, WIDTH);
  }

  /** Bytes that panels of so many rows and columns take. */
  static long bytes(int rows, int columns) {
    return count(columns) * panelBytes(rows);
  }

  /** Bytes of one panel. */
  static long panelBytes(int rows) {
    return rows * ROW_BYTES;
  }

  /** Rows of a panel for so many of a matrix: an even number where tiles read arrays. */
  static int depth(int rows) {
    return GemmKernel.READS_ARRAYS ? ArrayPacking.evenDepth(rows) : rows;
  }

  /** How many elements an array for so many bytes of panels needs, if tiles read arrays. */
  static int arrayElements(long bytes) {
    return GemmKernel.READS_ARRAYS ? Math.toIntExact(bytes / Float.BYTES) : 0;
  }

  /**
   * Packs {@code depth} × {@code columns} elements of any strides as panels of {@link #depth} rows.
   *
   * @param packed where to: from element {@code to} on
   */
  static void pack(
      MemorySegment from,
      long start,
      long rowStride,
      long columnStride,
      int depth,
      int columns,
      GemmScratch packed,
      int to,
      GemmScratch scratch) {
    if (GemmKernel.READS_ARRAYS) {
      float[] panels = packed.panels();
      ArrayPacking.packPanels(
          from, start, rowStride, columnStride, depth, columns, panels, to, scratch.rows);
    } else {
      long at = (long) to * Float.BYTES;
      Packing.packPanels(
          from, start, rowStride, columnStride, depth, columns, packed.b(), at, scratch);
    }
  }

  /**
   * Packs rows as they are, as panels of {@link #depth} rows; one that the matrix does not have is
   * 0. Columns beyond the last are arbitrary.
   *
   * @param array where to if tiles read arrays: at the same place, in elements
   * @param scratch {@link ArrayTransposer#SCRATCH_ELEMENTS} long
   */
  static void packRows(
      MemorySegment from,
      long start,
      long stride,
      int rows,
      int columns,
      MemorySegment to,
      float[] array,
      long at,
      float[] scratch) {
    if (GemmKernel.READS_ARRAYS) {
      int first = (int) (at / Float.BYTES);
      ArrayPacking.packPanels(
          from, start, stride, Float.BYTES, rows, columns, array, first, scratch);
      return;
    }
    for (int row = 0; row < rows; row++) {
      packRow(from, start + row * stride, columns, to, at + row * ROW_BYTES, panelBytes(rows));
    }
  }

  /** The same with the transpose: rows of memory become columns. */
  static void packTransposed(
      MemorySegment from,
      long start,
      long stride,
      int rows,
      int columns,
      MemorySegment to,
      float[] array,
      long at,
      MemorySegment blocks,
      float[] scratch) {
    if (GemmKernel.READS_ARRAYS) {
      int first = (int) (at / Float.BYTES);
      ArrayPacking.packPanels(
          from, start, Float.BYTES, stride, columns, rows, array, first, scratch);
    } else {
      packTransposed(from, start, stride, rows, columns, to, at, blocks);
    }
  }

  private static void packRow(
      MemorySegment from, long start, int columns, MemorySegment to, long at, long panelBytes) {
    int whole = columns - columns % WIDTH;
    for (int j = 0, panel = 0; j < whole; j += WIDTH, panel++) {
      long source = start + 4L * j;
      long target = at + panel * panelBytes;
      Lanes.store(Lanes.load(from, source), to, target);
      Lanes.store(
          Lanes.load(from, source + GemmKernel.VECTOR_BYTES), to, target + GemmKernel.VECTOR_BYTES);
    }
    if (whole < columns) {
      packRowEnd(from, start + 4L * whole, columns - whole, to, at + whole / WIDTH * panelBytes);
    }
  }

  /** Less than a panel's width, and zeros behind. */
  private static void packRowEnd(
      MemorySegment from, long start, int columns, MemorySegment to, long at) {
    for (int j = 0; j < WIDTH; j += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(j, columns);
      Lanes.store(Lanes.load(from, start + 4L * j, mask), to, at + 4L * j);
    }
  }

  /** Packs the transpose into a segment. */
  private static void packTransposed(
      MemorySegment from,
      long start,
      long stride,
      int rows,
      int columns,
      MemorySegment to,
      long at,
      MemorySegment scratch) {
    int whole = Lanes.whole(columns);
    for (int i = 0; i < rows; i += Lanes.COUNT) {
      long panel = at + i / WIDTH * panelBytes(columns) + 4L * (i % WIDTH);
      int present = Math.min(Lanes.COUNT, rows - i);
      for (int j = 0; j < whole; j += Lanes.COUNT) {
        Transposer.transpose(
            from,
            start + i * stride + 4L * j,
            stride,
            present,
            to,
            panel + j * ROW_BYTES,
            ROW_BYTES,
            scratch);
      }
      for (int j = whole; j < columns; j++) {
        for (int k = 0; k < present; k++) {
          float x = from.get(Memory.FLOAT, start + (i + k) * stride + 4L * j);
          to.set(Memory.FLOAT, panel + j * ROW_BYTES + 4L * k, x);
        }
      }
    }
  }

  /** Copies a row into an array, times a factor, and a 0 behind, which makes the depth even. */
  static void copyRow(
      MemorySegment from, long start, int columns, float factor, float[] to, int at) {
    int i = 0;
    for (; i < Lanes.whole(columns); i += Lanes.COUNT) {
      Lanes.load(from, start + 4L * i).mul(factor).intoArray(to, at + i);
    }
    for (; i < columns; i++) {
      to[at + i] = from.get(Memory.FLOAT, start + 4L * i) * factor;
    }
    to[at + columns] = 0;
  }

  /**
   * A tile of a product: {@code rows} rows of {@code a} times a panel.
   *
   * @param packed has the panel from element {@code at} on
   * @param byColumns whether {@code a} has columns, {@link GemmKernel#ROWS} apart, instead of rows
   * @param depth of the panel
   */
  static void multiply(
      float[] a,
      int aStart,
      boolean byColumns,
      GemmScratch packed,
      int at,
      int depth,
      int rows,
      float[] tile) {
    if (GemmKernel.READS_ARRAYS) {
      GemmKernel.multiply(a, aStart, byColumns, packed.panels(), at, depth, tile);
    } else {
      long first = (long) at * Float.BYTES;
      GemmKernel.multiply(a, aStart, byColumns, packed.b(), first, ROW_BYTES, depth, rows, tile);
    }
  }

  /**
   * A tile of a product: {@code rows} rows of {@code a} times a panel.
   *
   * @param array has the panel, and the depth is even, if tiles read arrays
   * @param byColumns whether {@code a} has columns, {@link GemmKernel#ROWS} apart, instead of rows
   */
  static void multiply(
      float[] a,
      int aStart,
      MemorySegment panels,
      float[] array,
      long at,
      int depth,
      int rows,
      boolean byColumns,
      float[] tile) {
    if (GemmKernel.READS_ARRAYS) {
      GemmKernel.multiply(a, aStart, byColumns, array, (int) (at / Float.BYTES), depth, tile);
    } else {
      GemmKernel.multiply(a, aStart, byColumns, panels, at, ROW_BYTES, depth, rows, tile);
    }
  }

  /**
   * The same into a larger matrix, of which {@link GemmKernel#ROWS} rows may be overwritten.
   *
   * @param tile room for a tile
   * @param toRow distance of rows in {@code to}
   */
  static void multiplyInto(
      float[] a,
      int aStart,
      MemorySegment panels,
      float[] array,
      long at,
      int depth,
      int rows,
      boolean byColumns,
      float[] tile,
      float[] to,
      int toStart,
      int toRow) {
    if (GemmKernel.READS_ARRAYS) {
      int first = (int) (at / Float.BYTES);
      GemmKernel.multiply(a, aStart, byColumns, array, first, depth, to, toStart, toRow);
      return;
    }
    multiply(a, aStart, panels, array, at, depth, rows, byColumns, tile);
    for (int i = 0; i < rows; i++) {
      System.arraycopy(tile, i * WIDTH, to, toStart + i * toRow, WIDTH);
    }
  }

  /** Sets a row in memory to a row of an array, {@code columns} of it, times a factor. */
  static void putScaled(
      float[] row, int from, int columns, float factor, MemorySegment to, long at) {
    int i = 0;
    for (; i < Lanes.whole(columns); i += Lanes.COUNT) {
      FloatVector x = FloatVector.fromArray(Lanes.SPECIES, row, from + i);
      Lanes.store(x.mul(factor), to, at + 4L * i);
    }
    for (; i < columns; i++) {
      to.set(Memory.FLOAT, at + 4L * i, row[from + i] * factor);
    }
  }

  /** Sets a row in memory to the first columns of a row of an array, or adds them. */
  static void putRow(float[] row, int from, int columns, boolean add, MemorySegment to, long at) {
    int i = 0;
    for (; i < Lanes.whole(columns); i += Lanes.COUNT) {
      FloatVector x = FloatVector.fromArray(Lanes.SPECIES, row, from + i);
      Lanes.put(x, add, to, at + 4L * i);
    }
    if (i < columns) {
      VectorMask<Float> mask = Lanes.mask(i, columns);
      FloatVector x = FloatVector.fromArray(Lanes.SPECIES, row, from + i);
      Lanes.put(x, add, to, at + 4L * i, mask);
    }
  }

  /** Sets a row to 0. */
  static void clearRow(MemorySegment to, long at, int columns) {
    FloatVector zero = FloatVector.zero(Lanes.SPECIES);
    int i = 0;
    for (; i < Lanes.whole(columns); i += Lanes.COUNT) {
      Lanes.store(zero, to, at + 4L * i);
    }
    if (i < columns) {
      Lanes.store(zero, to, at + 4L * i, Lanes.mask(i, columns));
    }
  }

  /** Adds a row in memory to another. */
  static void addRow(MemorySegment from, long start, int columns, MemorySegment to, long at) {
    int i = 0;
    for (; i < Lanes.whole(columns); i += Lanes.COUNT) {
      FloatVector x = Lanes.load(from, start + 4L * i);
      Lanes.store(x.add(Lanes.load(to, at + 4L * i)), to, at + 4L * i);
    }
    if (i < columns) {
      VectorMask<Float> mask = Lanes.mask(i, columns);
      Lanes.put(Lanes.load(from, start + 4L * i, mask), true, to, at + 4L * i, mask);
    }
  }

  /** Adds a tile's rows, from {@code from} on, to those of a larger matrix. */
  static void addTile(float[] tile, int from, int rows, float[] to, int toStart, int toRow) {
    for (int i = 0; i < rows; i++) {
      int at = toStart + i * toRow;
      for (int j = 0; j < WIDTH; j += Lanes.COUNT) {
        FloatVector x = FloatVector.fromArray(Lanes.SPECIES, tile, from + i * WIDTH + j);
        x.add(FloatVector.fromArray(Lanes.SPECIES, to, at + j)).intoArray(to, at + j);
      }
    }
  }
}
