package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * {@code out = a · A × B} for few rows of A, as in decoding: memory bounds it, so each element of B
 * is read once for four rows, and neighbouring items read neighbouring elements. A tile of {@link
 * MatMulKernels} would be padding for the most part.
 *
 * <p>Args: as for {@link MatMulKernels}.
 */
final class FewRowsKernels {
  /** From more rows on tiles share B better. */
  static final int MOST_ROWS = 16;

  /** Rows of A that a group takes. */
  static final int ROWS = 4;

  private FewRowsKernels() {}

  /** For a B whose columns are contiguous, as a layer's weights are: a group for each column. */
  static void byDots(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    int m = args.get(0);
    int n = args.get(1);
    int depth = args.get(2);
    int blocks = (m + ROWS - 1) / ROWS;
    int column = c.groupIdx % n;
    int row = (c.groupIdx / n) % blocks * ROWS;
    int batch = c.groupIdx / (n * blocks);
    int aRow = args.get(6);
    int aStart = MatMulKernels.start(args, batch, 5) + row * aRow;
    int bAt = MatMulKernels.start(args, batch, 10) + column * args.get(12);
    int aColumn = args.get(7);
    int bRow = args.get(11);
    int aType = args.get(21);
    int bType = args.get(22);
    float s0 = 0f;
    float s1 = 0f;
    float s2 = 0f;
    float s3 = 0f;
    for (int k = c.localIdx; k < depth; k += Groups.SIZE) {
      float weight = Halves.get(floats, halves, bType, bAt + k * bRow);
      int at = aStart + k * aColumn;
      s0 += weight * Halves.get(floats, halves, aType, at);
      if (row + 1 < m) {
        s1 += weight * Halves.get(floats, halves, aType, at + aRow);
      }
      if (row + 2 < m) {
        s2 += weight * Halves.get(floats, halves, aType, at + 2 * aRow);
      }
      if (row + 3 < m) {
        s3 += weight * Halves.get(floats, halves, aType, at + 3 * aRow);
      }
    }
    float t0 = Groups.sum(c, scratch, s0);
    float t1 = Groups.sum(c, scratch, s1);
    float t2 = Groups.sum(c, scratch, s2);
    float t3 = Groups.sum(c, scratch, s3);
    if (c.localIdx == 0) {
      int out = MatMulKernels.start(args, batch, 15);
      putColumn(floats, args, out, row, column, a * t0, a * t1, a * t2, a * t3);
    }
  }

  /** For a B whose rows are contiguous: an item for each column. */
  static void byColumns(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int m = args.get(0);
    int n = args.get(1);
    int depth = args.get(2);
    int blocks = (m + ROWS - 1) / ROWS;
    int strips = (n + Groups.SIZE - 1) / Groups.SIZE;
    int column = c.groupIdx % strips * Groups.SIZE + c.localIdx;
    int row = (c.groupIdx / strips) % blocks * ROWS;
    int batch = c.groupIdx / (strips * blocks);
    int aRow = args.get(6);
    int aStart = MatMulKernels.start(args, batch, 5) + row * aRow;
    int bAt = MatMulKernels.start(args, batch, 10) + column * args.get(12);
    int aColumn = args.get(7);
    int bRow = args.get(11);
    int aType = args.get(21);
    int bType = args.get(22);
    float s0 = 0f;
    float s1 = 0f;
    float s2 = 0f;
    float s3 = 0f;
    if (column < n) {
      for (int k = 0; k < depth; k++) {
        float weight = Halves.get(floats, halves, bType, bAt + k * bRow);
        int at = aStart + k * aColumn;
        s0 += weight * Halves.get(floats, halves, aType, at);
        if (row + 1 < m) {
          s1 += weight * Halves.get(floats, halves, aType, at + aRow);
        }
        if (row + 2 < m) {
          s2 += weight * Halves.get(floats, halves, aType, at + 2 * aRow);
        }
        if (row + 3 < m) {
          s3 += weight * Halves.get(floats, halves, aType, at + 3 * aRow);
        }
      }
      int out = MatMulKernels.start(args, batch, 15);
      putColumn(floats, args, out, row, column, a * s0, a * s1, a * s2, a * s3);
    }
  }

  private static void putColumn(
      FloatArray floats,
      IntArray args,
      int base,
      int row,
      int column,
      float v0,
      float v1,
      float v2,
      float v3) {
    put(floats, args, base, row, column, v0);
    put(floats, args, base, row + 1, column, v1);
    put(floats, args, base, row + 2, column, v2);
    put(floats, args, base, row + 3, column, v3);
  }

  private static void put(
      FloatArray floats, IntArray args, int base, int row, int column, float value) {
    if (row < args.get(0)) {
      MatMulKernels.put(floats, args, base + row * args.get(16), column, value);
    }
  }
}
