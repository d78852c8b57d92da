package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** From an operand to a panel, and from a panel to a result; a work item a number. */
final class CuBlasKernels {
  private CuBlasKernels() {}

  /**
   * A part of an operand, whichever way it lies, without gaps.
   *
   * <p>Args: {@code [n, length of a run, offset, stride of runs, stride in a run, type]}.
   */
  static void pack(
      KernelContext c,
      FloatArray floats,
      FloatArray panel,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int e = c.globalIdx;
    if (e < args.get(0)) {
      int run = e / args.get(1);
      int at = args.get(2) + run * args.get(3) + e % args.get(1) * args.get(4);
      panel.set(e, Halves.get(floats, halves, args.get(5), at));
    }
  }

  /**
   * {@code out = a · panel}, or added to it, rounded to its type.
   *
   * <p>Args: {@code [n, columns, offset, row stride, column stride, type, accumulate]}.
   */
  static void finish(
      KernelContext c,
      FloatArray floats,
      FloatArray panel,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int e = c.globalIdx;
    if (e < args.get(0)) {
      int row = e / args.get(1);
      int at = args.get(2) + row * args.get(3) + e % args.get(1) * args.get(4);
      int type = args.get(5);
      float value = a * panel.get(e);
      if (args.get(6) != 0) {
        value += Halves.get(floats, halves, type, at);
      }
      if (type == Halves.F32) {
        floats.set(at, value);
      } else {
        halves.set(at, (short) Halves.encoded(type, value));
      }
    }
  }
}
