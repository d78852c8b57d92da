package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.DType;

/**
 * Dot products of a few rows of X with the columns of W, which are contiguous in memory. W is read
 * from memory once, for the first rows; the next ones find it in the cache. Columns of 8 bits come
 * one after the other; those of bf16 by two and those of f32 by three, each the next in a half or a
 * third of its own: memory comes in long streams.
 */
final class RowDots {
  /** Columns of f32 that {@link #sum} takes at a time. */
  static final int F32_COLUMNS = 3;

  /** Vectors that are added up at a time; a block of f32 fills fewer, and the rest is ignored. */
  static final int F32_SUMS = 16;

  private static final int SUMS = 8;

  private static final int STRIP = SkinnyGemm.STRIP;
  private static final long VECTOR = GemmKernel.VECTOR_BYTES;

  private final DType type;
  private final ColdStart cold;
  private final int depth;
  private final int parts;
  private final int rowsAtOnce;
  private final int columnsAtOnce;
  private final int steps;
  private final int rest;
  private final int groupSize;
  private final int groups;
  private final long vectorsOfGroup;

  // X for 16 and 8 bits: [item, group of rows, step, part, row of the group, lane], and after a
  // group's steps what k leaves over, row by row. For f32 as it is: [item, row, k]. Rows that a
  // group has beyond X are not read back.
  private final float[] packed;

  // X of f32 without what k leaves over: [item, group of rows, step, row of the group, lane]. Its
  // vectors are aligned, while half of those in an array cross cache lines; where W is narrow, the
  // checks of bounds that memory off the heap takes cost more than that.
  private final MemorySegment left;

  private final boolean plainSuits;
  private boolean plainOnly;

  /**
   * Room for a batch of left sides, of {@code rows} each, that meet a W of a type.
   *
   * @param scratch whose memory holds X
   * @param cold says when loops of f32 are plain ones
   */
  RowDots(GemmScratch scratch, int batch, int rows, int depth, DType type, ColdStart cold) {
    this.type = type;
    this.cold = cold;
    this.depth = depth;
    parts = parts(type);
    rowsAtOnce = type == DType.I8 ? 2 : SkinnyKernel.ROWS;
    columnsAtOnce = type == DType.F32 ? F32_COLUMNS : SUMS / rowsAtOnce;
    steps = depth / (parts * Lanes.COUNT);
    rest = depth - steps * parts * Lanes.COUNT;
    groupSize = rowsAtOnce * depth;
    groups = Math.ceilDiv(rows, rowsAtOnce);
    packed = new float[Math.toIntExact((long) batch * groups * groupSize)];
    vectorsOfGroup = (long) steps * rowsAtOnce * VECTOR;
    plainSuits = type == DType.F32 && depth <= scratch.a.length;
    left = scratch.left(type == DType.F32 ? (long) batch * groups * vectorsOfGroup : 0);
  }

  /** Numbers of W in 32 bits. */
  private static int parts(DType type) {
    return Float.BYTES / type.bytes();
  }

  /** Whether an array takes X. */
  static boolean fits(long batch, long rows, int depth) {
    return batch * (rows + 4) * depth <= Integer.MAX_VALUE / 2;
  }

  /**
   * Brings a row of X, or of a single one, into the order in which W's numbers come out of their
   * vectors: in every block of as many numbers as W has in a vector, first the lowest numbers of
   * all 32-bit lanes, then the next. What is left over of {@code depth} stays as it is; all else
   * that meets weights of 8 bits is divided by {@link QuantizedKernel#SCALE_OF_WEIGHTS}.
   *
   * @param vector room for a vector of W's numbers
   */
  static void split(float[] x, int at, int depth, DType type, float[] vector) {
    int parts = parts(type);
    int block = parts * Lanes.COUNT;
    float factor = type == DType.I8 ? 1 / QuantizedKernel.SCALE_OF_WEIGHTS : 1;
    for (int k = at; k + block <= at + depth; k += block) {
      System.arraycopy(x, k, vector, 0, block);
      for (int part = 0; part < parts; part++) {
        for (int lane = 0; lane < Lanes.COUNT; lane++) {
          x[k + part * Lanes.COUNT + lane] = factor * vector[lane * parts + part];
        }
      }
    }
  }

  /**
   * Takes a row of X; the first of them all comes first.
   *
   * @param x the row, from {@code at} on
   */
  void pack(float[] x, int at, int item, int row) {
    int group = item * groups + row / rowsAtOnce;
    int within = row % rowsAtOnce;
    if (type == DType.F32) {
      System.arraycopy(x, at, packed, group * groupSize + within * depth, depth);
      plainOnly = group + within == 0 ? plainSuits && cold.allPlain() : plainOnly;
      for (int step = 0; step < steps && !plainOnly; step++) {
        long vector = group * vectorsOfGroup + (long) (step * rowsAtOnce + within) * VECTOR;
        Lanes.store(FloatVector.fromArray(Lanes.SPECIES, x, at + step * Lanes.COUNT), left, vector);
      }
      return;
    }
    for (int step = 0; step < steps; step++) {
      int from = at + step * parts * Lanes.COUNT;
      for (int part = 0; part < parts; part++) {
        int to = group * groupSize + ((step * parts + part) * rowsAtOnce + within) * Lanes.COUNT;
        for (int lane = 0; lane < Lanes.COUNT; lane++) {
          packed[to + lane] = x[from + part + lane * parts];
        }
      }
    }
    System.arraycopy(x, at + depth - rest, packed, restOf(group, within), rest);
  }

  /** Where what k leaves over of a row begins. */
  private int restOf(int group, int within) {
    int start = group * groupSize;
    return type == DType.F32
        ? start + (within + 1) * depth - rest
        : start + steps * parts * rowsAtOnce * Lanes.COUNT + within * rest;
  }

  /**
   * Sums of {@code count} rows, from the first of a group on, with some columns, into {@link
   * GemmScratch#rows} of a member of the team, whose rows are {@link SkinnyGemm#STRIP} apart.
   *
   * @param start first byte of the first column
   * @param columnBytes distance of the columns
   */
  void sum(
      GemmScratch member,
      int item,
      int firstRow,
      int count,
      MemorySegment w,
      long start,
      long columnBytes,
      int width) {
    int blocks = Math.ceilDiv(width, columnsAtOnce);
    int distance = type == DType.I8 ? 1 : blocks;
    for (int block = 0; block < blocks; block++) {
      int column = type == DType.I8 ? block * columnsAtOnce : block;
      for (int i = 0; i < columnsAtOnce; i++) {
        member.columns[i] = start + Math.min(column + i * distance, width - 1) * columnBytes;
      }
      boolean plain = plainSuits && (cold.wantsPlain(steps) || plainOnly);
      for (int row = 0; row < count; row += rowsAtOnce) {
        int group = item * groups + (firstRow + row) / rowsAtOnce;
        if (plain) {
          int at = group * groupSize;
          PlainDots.dotRows(
              rowsAtOnce, packed, at, w, member.columns, depth, member.lanes, member.a);
        } else {
          multiply(group, w, member.columns, member.lanes);
        }
        spread(member, row, column, distance, width);
      }
    }
  }

  private void spread(GemmScratch member, int row, int firstColumn, int distance, int width) {
    int column = firstColumn;
    for (int i = 0; i < columnsAtOnce && column < width; i++, column += distance) {
      for (int within = 0; within < rowsAtOnce; within++) {
        member.rows[(row + within) * STRIP + column] = member.lanes[within * columnsAtOnce + i];
      }
    }
  }

  /** Sums of a group's rows with some columns, row by row. */
  private void multiply(int group, MemorySegment w, long[] columns, float[] lanes) {
    int at = group * groupSize;
    switch (type) {
      case F32 -> {
        long from = group * vectorsOfGroup;
        RowDotKernel.singles(left, from, w, columns[0], columns[1], columns[2], steps, lanes);
      }
      case BF16 -> RowDotKernel.pairs(packed, at, w, columns[0], columns[1], steps, lanes);
      default -> {
        for (int c = 0; c < columnsAtOnce; c++) {
          int to = c * Lanes.COUNT;
          RowDotKernel.quads(
              packed, at, w, columns[c], steps, lanes, to, columnsAtOnce * Lanes.COUNT);
        }
      }
    }
    LaneSums.add(lanes, type == DType.F32 ? F32_SUMS : SUMS, lanes);
    for (int i = 0; i < rowsAtOnce * columnsAtOnce && rest > 0; i++) {
      int x = restOf(group, i / columnsAtOnce);
      lanes[i] = addRest(x, w, columns[i % columnsAtOnce], lanes[i]);
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
    return switch (type) {
      case F32 -> w.get(Memory.FLOAT, column + k * Float.BYTES);
      case BF16 -> Halves.get(type, w, column + k * Halves.BYTES);
      default -> w.get(ValueLayout.JAVA_BYTE, column + k);
    };
  }
}
