package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Sums, sums of squares and maxima along some axes: one work group a result, or, where one has very
 * many numbers, one for each block of them, and what the blocks give is reduced again.
 *
 * <p>Args: {@link Views} over the results (output, then the input's first element for each), then
 * {@code [accumulate, function, count, dims × 5, strides × 5]} of what is reduced into each, and
 * {@code [blocks of each, numbers of a block, blocks' results or −1]}.
 */
final class ReduceKernels {
  /** From more numbers a result on they are cut into blocks. */
  static final int MOST_IN_ONE = 1 << 14;

  /** Numbers of a block: by the instruction's size alone, so that its bits are. */
  static final int BLOCK = 1 << 13;

  /** So many results keep a device busy by themselves. */
  static final int MANY_RESULTS = 1 << 10;

  private static final int TAIL = Views.FIRST + 2 * Views.SIZE;
  private static final int BLOCKS = TAIL + 3 + 2 * Views.RANK;

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
    int result = c.groupIdx / args.get(BLOCKS);
    int first = Views.at(args, 1, result);
    int function = args.get(TAIL + 1);
    int start = c.groupIdx % args.get(BLOCKS) * args.get(BLOCKS + 1);
    int left = args.get(TAIL + 2) - start;
    int end = start + (left < args.get(BLOCKS + 1) ? left : args.get(BLOCKS + 1));
    float mine = function == 2 ? Float.NEGATIVE_INFINITY : 0f;
    for (int i = start + c.localIdx; i < end; i += Groups.SIZE) {
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
      if (args.get(BLOCKS + 2) >= 0) {
        floats.set(args.get(BLOCKS + 2) + c.groupIdx, total);
      } else {
        Scalars.put(floats, Views.at(args, 0, result), total, args.get(TAIL));
      }
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
