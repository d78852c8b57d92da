package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Rows of a table by index. Args: {@code [n, columns, rows, table, indices, other, accumulate]}.
 */
final class RowKernels {
  private RowKernels() {}

  /** other[n] = table[index]; a work item for each of the n·columns elements. */
  static void gather(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    int columns = args.get(1);
    if (i < args.get(0) * columns) {
      int row = ints.get(args.get(4) + i / columns);
      float value = 0f;
      if (row >= 0 && row < args.get(2)) {
        value = floats.get(args.get(3) + row * columns + i % columns);
      }
      int out = args.get(5) + i;
      Scalars.put(floats, out, value, args.get(6));
    }
  }

  /** table[index] = other[n]. */
  static void scatter(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    int columns = args.get(1);
    if (i < args.get(0) * columns) {
      int row = ints.get(args.get(4) + i / columns);
      if (row >= 0 && row < args.get(2)) {
        floats.set(args.get(3) + row * columns + i % columns, floats.get(args.get(5) + i));
      }
    }
  }

  /**
   * table[index] += other[n], in the order of n and without atomics: the group of the first n with
   * an index adds the rows of all that share it.
   */
  static void scatterAdd(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    int n = args.get(0);
    int columns = args.get(1);
    int indices = args.get(4);
    int mine = c.groupIdx;
    int row = ints.get(indices + mine);
    float earlier = 0f;
    for (int i = c.localIdx; i < mine; i += Groups.SIZE) {
      if (ints.get(indices + i) == row) {
        earlier = 1f;
      }
    }
    float any = Groups.max(c, scratch, earlier);
    if (any == 0f && row >= 0 && row < args.get(2)) {
      int table = args.get(3) + row * columns;
      for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
        float sum = floats.get(table + d);
        for (int i = mine; i < n; i++) {
          if (ints.get(indices + i) == row) {
            sum += floats.get(args.get(5) + i * columns + d);
          }
        }
        floats.set(table + d, sum);
      }
    }
  }
}
