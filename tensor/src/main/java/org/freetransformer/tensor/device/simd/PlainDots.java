package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;

/**
 * The dot products of {@link SkinnyKernel} in plain loops, to the same bits: a sum for every lane,
 * and the same tree of these. {@link ColdStart} says why.
 */
final class PlainDots {
  private PlainDots() {}

  /**
   * Dot products of rows of X, {@code depth} apart, with some columns of W: see {@link
   * SkinnyKernel#dotRow} and {@link RowDots}.
   *
   * @param rows 1, with {@link SkinnyKernel#DOT_COLUMNS} columns, or {@link SkinnyKernel#ROWS},
   *     with {@link RowDots#F32_COLUMNS}
   * @param lanes begins with the sums in the end, row by row
   * @param column room for {@code depth} numbers
   */
  static void dotRows(
      int rows,
      float[] x,
      int at,
      MemorySegment w,
      long[] columns,
      int depth,
      float[] lanes,
      float[] column) {
    int together = rows == 1 ? SkinnyKernel.DOT_COLUMNS : RowDots.F32_COLUMNS;
    int whole = depth - depth % Lanes.COUNT;
    for (int j = 0; j < together; j++) {
      MemorySegment.copy(w, FLOAT, columns[j], column, 0, whole);
      for (int i = 0; i < rows; i++) {
        multiply(x, at + i * depth, column, whole, lanes, (i * together + j) * Lanes.COUNT);
      }
    }
    add(lanes, rows == 1 ? together : RowDots.F32_SUMS);
    for (int i = 0; i < rows * together; i++) {
      for (int k = whole; k < depth; k++) {
        float weight = w.get(FLOAT, columns[i % together] + (long) k * Float.BYTES);
        lanes[i] = Math.fma(x[at + i / together * depth + k], weight, lanes[i]);
      }
    }
  }

  /** A sum for every lane, four at a time: one alone would wait for its last addition. */
  private static void multiply(
      float[] x, int at, float[] column, int whole, float[] lanes, int to) {
    for (int lane = 0; lane < Lanes.COUNT; lane += 4) {
      float s0 = 0f;
      float s1 = 0f;
      float s2 = 0f;
      float s3 = 0f;
      for (int k = lane; k < whole; k += Lanes.COUNT) {
        s0 = Math.fma(x[at + k], column[k], s0);
        s1 = Math.fma(x[at + k + 1], column[k + 1], s1);
        s2 = Math.fma(x[at + k + 2], column[k + 2], s2);
        s3 = Math.fma(x[at + k + 3], column[k + 3], s3);
      }
      lanes[to + lane] = s0;
      lanes[to + lane + 1] = s1;
      lanes[to + lane + 2] = s2;
      lanes[to + lane + 3] = s3;
    }
  }

  /** {@link LaneSums#add}, of vectors in place. */
  private static void add(float[] vectors, int count) {
    int group = Math.min(count, Lanes.COUNT);
    for (int i = 0; i < count; i += group) {
      for (int left = group / 2; left >= 1; left /= 2) {
        for (int j = 0; j < left; j++) {
          interleave(vectors, (i + j) * Lanes.COUNT, (i + j + left) * Lanes.COUNT);
        }
      }
      for (int j = 0; j < group; j++) {
        float sum = vectors[i * Lanes.COUNT + j];
        for (int lane = j + group; lane < Lanes.COUNT; lane += group) {
          sum += vectors[i * Lanes.COUNT + lane];
        }
        vectors[i + j] = sum;
      }
    }
  }

  /** Of each of two vectors, the sums of its halves; those of the two in turn. */
  private static void interleave(float[] vectors, int at, int other) {
    int half = Lanes.COUNT / 2;
    for (int i = 0; i < half; i++) {
      vectors[at + i] += vectors[at + half + i];
      vectors[other + i] += vectors[other + half + i];
    }
    for (int i = half - 1; i >= 0; i--) {
      vectors[at + 2 * i + 1] = vectors[other + i];
      vectors[at + 2 * i] = vectors[at + i];
    }
  }
}
