package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Sums, sums of squares and maxima along some axes: one work group a result.
 *
 * <p>Args: {@link Views} over the results (output, then the input's first element for each), then
 * {@code [accumulate, function, count, dims × 5, strides × 5]} of what is reduced into each.
 */
final class ReduceKernels {
  private static final int TAIL = Views.FIRST + 2 * Views.SIZE;

  private ReduceKernels() {}

  /** Function: ordinal of {@code ReduceFunction}. */
  static void reduce(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    int result = c.groupIdx;
    int out = Views.at(args, 0, result);
    int first = Views.at(args, 1, result);
    int function = args.get(TAIL + 1);
    int count = args.get(TAIL + 2);
    float mine = function == 2 ? Float.NEGATIVE_INFINITY : 0f;
    for (int i = c.localIdx; i < count; i += Groups.SIZE) {
      float x = floats.get(first + inner(args, i));
      if (function == 2) {
        mine = Scalars.max(x, mine);
      } else {
        mine += function == 1 ? x * x : x;
      }
    }
    float total = 0f;
    if (function == 2) {
      total = Groups.max(c, scratch, mine);
    } else {
      total = Groups.sum(c, scratch, mine);
    }
    if (c.localIdx == 0) {
      Scalars.put(floats, out, total, args.get(TAIL));
    }
  }

  private static int inner(IntArray args, int i) {
    int index = 0;
    int left = i;
    for (int axis = Views.RANK - 1; axis >= 0; axis--) {
      int dim = args.get(TAIL + 3 + axis);
      int here = left % dim;
      left = left / dim;
      index += here * args.get(TAIL + 3 + Views.RANK + axis);
    }
    return index;
  }
}
