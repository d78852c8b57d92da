package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** Copies of floating numbers, from f32 or 16 bits to either: one work item an element. */
final class CastKernels {
  private CastKernels() {}

  /** Args: {@link Views} (output, input), then {@code [accumulate, type of the input]}. */
  static void toFloats(
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
      int out = Views.at(args, 0, i);
      float x = Halves.get(floats, halves, args.get(end + 1), Views.at(args, 1, i));
      Scalars.put(floats, out, x, args.get(end));
    }
  }

  /** Args: {@link Views} (output, input), then {@code [accumulate, types of output and input]}. */
  static void toHalves(
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
      int out = Views.at(args, 0, i);
      int type = args.get(end + 1);
      float x = Halves.get(floats, halves, args.get(end + 2), Views.at(args, 1, i));
      if (args.get(end) != 0) {
        x += Halves.get(floats, halves, type, out);
      }
      halves.set(out, (short) Halves.encoded(type, x));
    }
  }
}
