package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Matrices in the form that {@link GemmKernel} reads, for attention: strips of {@link #WIDTH}
 * columns, one after the other, each with its rows at once; and rows of a {@code float[]} at a
 * constant distance. Positions and strides are in bytes.
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

  /** Packs rows as they are; columns beyond the last are 0. */
  static void packRows(
      MemorySegment from,
      long start,
      long stride,
      int rows,
      int columns,
      MemorySegment to,
      long at) {
    for (int row = 0; row < rows; row++) {
      packRow(from, start + row * stride, columns, to, at + row * ROW_BYTES, panelBytes(rows));
    }
  }

  private static void packRow(
      MemorySegment from, long start, int columns, MemorySegment to, long at, long panelBytes) {
    FloatVector zero = FloatVector.zero(Lanes.SPECIES);
    for (int j = 0; j < count(columns) * WIDTH; j += Lanes.COUNT) {
      long target = at + j / WIDTH * panelBytes + 4L * (j % WIDTH);
      if (j + Lanes.COUNT <= columns) {
        Lanes.store(Lanes.load(from, start + 4L * j), to, target);
      } else if (j < columns) {
        Lanes.store(Lanes.load(from, start + 4L * j, Lanes.mask(j, columns)), to, target);
      } else {
        Lanes.store(zero, to, target);
      }
    }
  }

  /** Packs the transpose: rows of memory become columns. Columns beyond the last are arbitrary. */
  static void packTransposed(
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

  /** Copies rows into an array, {@link GemmKernel#A_STRIDE} apart, times a factor. */
  static void copyRow(
      MemorySegment from, long start, int columns, float factor, float[] to, int at) {
    int i = 0;
    for (; i < Lanes.whole(columns); i += Lanes.COUNT) {
      Lanes.load(from, start + 4L * i).mul(factor).intoArray(to, at + i);
    }
    for (; i < columns; i++) {
      to[at + i] = from.get(Memory.FLOAT, start + 4L * i) * factor;
    }
  }

  /** A tile of a product: {@code rows} rows of {@code a} times a panel. */
  static void multiply(
      float[] a, MemorySegment panels, long at, int depth, int rows, float[] tile) {
    GemmKernel.multiply(a, 0, false, panels, at, ROW_BYTES, depth, rows, tile);
  }

  /** The same, with columns of {@code a}, {@link GemmKernel#ROWS} apart. */
  static void multiplyColumns(
      float[] a, MemorySegment panels, long at, int depth, int rows, float[] tile) {
    GemmKernel.multiply(a, 0, true, panels, at, ROW_BYTES, depth, rows, tile);
  }

  /**
   * Copies less than a tile's height of numbers to an array as a column of a left side. What lies
   * behind them, up to a vector's width, is overwritten: columns are copied in order.
   */
  static void copyColumn(MemorySegment from, long start, int rows, float[] to, int at) {
    for (int i = 0; i < rows; i += Lanes.COUNT) {
      Lanes.load(from, start + 4L * i, Lanes.mask(i, rows)).intoArray(to, at + i);
    }
  }

  /** Sets the first columns of a tile's row in memory, or adds them. */
  static void putTileRow(
      float[] tile, int from, int columns, boolean add, MemorySegment to, long at) {
    int i = 0;
    for (; i < Lanes.whole(columns); i += Lanes.COUNT) {
      FloatVector x = FloatVector.fromArray(Lanes.SPECIES, tile, from + i);
      Lanes.store(add ? x.add(Lanes.load(to, at + 4L * i)) : x, to, at + 4L * i);
    }
    if (i < columns) {
      VectorMask<Float> mask = Lanes.mask(i, columns);
      FloatVector x = FloatVector.fromArray(Lanes.SPECIES, tile, from + i);
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

  /** Copies a row, or adds it. */
  static void putRow(
      MemorySegment from, long start, int columns, boolean add, MemorySegment to, long at) {
    int i = 0;
    for (; i < Lanes.whole(columns); i += Lanes.COUNT) {
      FloatVector x = Lanes.load(from, start + 4L * i);
      Lanes.store(add ? x.add(Lanes.load(to, at + 4L * i)) : x, to, at + 4L * i);
    }
    if (i < columns) {
      VectorMask<Float> mask = Lanes.mask(i, columns);
      FloatVector x = Lanes.load(from, start + 4L * i, mask);
      Lanes.put(x, add, to, at + 4L * i, mask);
    }
  }
}
