package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** Conversions between f32 and numbers of 16 bits: one work item an element. */
final class CastKernels {
  private CastKernels() {}

  /** Args: {@link Views} (output, input), then {@code [accumulate, type of output, of input]}. */
  static void cast(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int end = Views.FIRST + 2 * Views.SIZE;
      float x = Halves.get(floats, halves, args.get(end + 2), Views.at(args, 1, i));
      Halves.put(floats, halves, args.get(end + 1), Views.at(args, 0, i), args.get(end), x);
    }
  }
}
