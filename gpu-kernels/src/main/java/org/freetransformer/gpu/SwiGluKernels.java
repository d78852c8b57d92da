package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** {@code silu(gate)·up} and its gradients: one work item an element. */
final class SwiGluKernels {
  private SwiGluKernels() {}

  /** Args: {@code [n, gate, up, out, accumulate]}. */
  static void swiGlu(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      float gate = floats.get(args.get(1) + i);
      float y = gate * Scalars.sigmoid(gate) * floats.get(args.get(2) + i);
      int out = args.get(3) + i;
      Scalars.put(floats, out, y, args.get(4));
    }
  }

  /**
   * Args: {@code [n, gate, up, dy, dgate, accumulate, dup, accumulate]}; a place of −1 is not
   * wanted.
   */
  static void backward(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      float gate = floats.get(args.get(1) + i);
      float up = floats.get(args.get(2) + i);
      float dy = floats.get(args.get(3) + i);
      float sigmoid = Scalars.sigmoid(gate);
      if (args.get(4) >= 0) {
        int out = args.get(4) + i;
        float dgate = dy * up * sigmoid * (1f + gate * Scalars.sigmoid(-gate));
        Scalars.put(floats, out, dgate, args.get(5));
      }
      if (args.get(6) >= 0) {
        int out = args.get(6) + i;
        float dup = dy * gate * sigmoid;
        Scalars.put(floats, out, dup, args.get(7));
      }
    }
  }
}
