package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Rotary positions, half-rotation layout: one work item a pair.
 *
 * <p>Args: {@code [n pairs, T, heads, Dh/2, x: offset, strides of b, t, head, out: the same,
 * positions: offset, strides of b, t, table, inverse, accumulate]}.
 */
final class RopeKernels {
  private RopeKernels() {}

  static void rope(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int half = args.get(3);
      int d = i % half;
      int rest = i / half;
      int head = rest % args.get(2);
      rest = rest / args.get(2);
      int t = rest % args.get(1);
      int row = rest / args.get(1);
      int x = args.get(4) + row * args.get(5) + t * args.get(6) + head * args.get(7) + d;
      int out = args.get(8) + row * args.get(9) + t * args.get(10) + head * args.get(11) + d;
      int position = ints.get(args.get(12) + row * args.get(13) + t * args.get(14));
      int table = args.get(15) + position * 2 * half + d;
      float cosine = floats.get(table);
      float sine = floats.get(table + half);
      if (args.get(16) != 0) {
        sine = -sine;
      }
      float u = floats.get(x);
      float v = floats.get(x + half);
      float first = u * cosine - v * sine;
      float second = v * cosine + u * sine;
      Scalars.put(floats, out, first, args.get(17));
      Scalars.put(floats, out + half, second, args.get(17));
    }
  }
}
