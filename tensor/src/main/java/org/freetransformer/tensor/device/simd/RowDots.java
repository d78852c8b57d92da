package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.LANES;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.DType;

/**
 * Dot products of a few rows of X with the columns, contiguous in memory, of a W of bf16 or 8 bits.
 * W is read from memory once, for the first rows; the next ones find it in the cache. Columns of 8
 * bits come one after the other; those of bf16 by two, each the next in a half of its own: memory
 * comes in long streams.
 */
final class RowDots {
  /** Vectors of sums that are added up at a time. */
  private static final int SUMS = 8;

  private static final int STRIP = SkinnyGemm.STRIP;

  private final DType type;
  private final int depth;
  private final int parts;
  private final int rowsAtOnce;
  private final int steps;
  private final int rest;
  private final int groupSize;
  private final int groups;

  // [item, group of rows, step, part, row of the group, lane], and after a group's steps what k
  // leaves over, row by row. Rows that a group has beyond X are 0.
  private final float[] packed;

  /** Room for a batch of left sides, of {@code rows} each, that meet a W of a type. */
  RowDots(int batch, int rows, int depth, DType type) {
    this.type = type;
    this.depth = depth;
    parts = type == DType.I8 ? 4 : 2;
    rowsAtOnce = type == DType.I8 ? 2 : 4;
    steps = depth / (parts * LANES);
    rest = depth - steps * parts * LANES;
    groupSize = rowsAtOnce * depth;
    groups = Math.ceilDiv(rows, rowsAtOnce);
    packed = new float[Math.toIntExact((long) batch * groups * groupSize)];
  }

  /** Whether an array takes X. */
  static boolean fits(long batch, long rows, int depth) {
    return batch * (rows + 4) * depth <= Integer.MAX_VALUE / 2;
  }

  /**
   * Brings a row of X into the order in which W's numbers come out of their vectors.
   *
   * @param x the row, from {@code at} on
   */
  void pack(float[] x, int at, int item, int row) {
    int group = (item * groups + row / rowsAtOnce) * groupSize;
    int within = row % rowsAtOnce;
    for (int step = 0; step < steps; step++) {
      int from = at + step * parts * LANES;
      for (int part = 0; part < parts; part++) {
        int to = group + ((step * parts + part) * rowsAtOnce + within) * LANES;
        for (int lane = 0; lane < LANES; lane++) {
          packed[to + lane] = x[from + part + lane * parts];
        }
      }
    }
    System.arraycopy(x, at + depth - rest, packed, restOf(group) + within * rest, rest);
  }

  private int restOf(int group) {
    return group + steps * parts * rowsAtOnce * LANES;
  }

  /**
   * Sums of {@code count} rows, from an even number of them on (a multiple of 4 except for 8 bits),
   * with some columns, into {@link GemmScratch#rows}, whose rows are {@link SkinnyGemm#STRIP}
   * apart.
   *
   * @param start first byte of the first column
   * @param columnBytes distance of the columns
   */
  void sum(
      GemmScratch scratch,
      int item,
      int firstRow,
      int count,
      MemorySegment w,
      long start,
      long columnBytes,
      int width) {
    int together = SUMS / rowsAtOnce;
    int blocks = Math.ceilDiv(width, together);
    int distance = type == DType.I8 ? 1 : blocks;
    for (int block = 0; block < blocks; block++) {
      int column = type == DType.I8 ? block * together : block;
      for (int row = 0; row < count; row += rowsAtOnce) {
        int group = (item * groups + (firstRow + row) / rowsAtOnce) * groupSize;
        multiply(group, w, start, columnBytes, column, distance, width, scratch.lanes);
        for (int i = 0; i < SUMS; i++) {
          int place = row + i / together;
          int here = column + i % together * distance;
          if (here < width) {
            scratch.rows[place * STRIP + here] = scratch.lanes[i];
          }
        }
      }
    }
  }

  /** Sums of a group's rows with some columns, row by row. */
  private void multiply(
      int group,
      MemorySegment w,
      long start,
      long columnBytes,
      int column,
      int distance,
      int width,
      float[] lanes) {
    int together = SUMS / rowsAtOnce;
    if (type == DType.BF16) {
      long w0 = start + column * columnBytes;
      long w1 = start + Math.min(column + distance, width - 1) * columnBytes;
      RowDotKernel.pairs(packed, group, w, w0, w1, steps, lanes, 0);
    } else {
      for (int c = 0; c < together; c++) {
        long from = start + Math.min(column + c, width - 1) * columnBytes;
        RowDotKernel.quads(packed, group, w, from, steps, lanes, c * LANES, together * LANES);
      }
    }
    LaneSums.add(lanes, SUMS, lanes);
    for (int i = 0; i < SUMS && rest > 0; i++) {
      int x = restOf(group) + i / together * rest;
      long from = start + Math.min(column + i % together * distance, width - 1) * columnBytes;
      lanes[i] = addRest(x, w, from, lanes[i]);
    }
  }

  private float addRest(int x, MemorySegment w, long column, float before) {
    float sum = before;
    for (int i = 0; i < rest; i++) {
      sum = Math.fma(packed[x + i], number(w, column, depth - rest + i), sum);
    }
    return sum;
  }

  private float number(MemorySegment w, long column, long k) {
    return type == DType.BF16
        ? Halves.get(type, w, column + k * Halves.BYTES)
        : w.get(ValueLayout.JAVA_BYTE, column + k);
  }
}
