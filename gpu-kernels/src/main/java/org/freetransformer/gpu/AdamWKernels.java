package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * One AdamW update in place, which clears the gradient: one work item a parameter.
 *
 * <p>Args: {@code [n, parameter, gradient, first moment, second moment, schedule, scale, β1, β2, ε,
 * weight decay, 1 − β1, 1 − β2]}, all but n places among the floats. A difference of f32 numbers
 * near 1 would lose most of its digits.
 */
final class AdamWKernels {
  private AdamWKernels() {}

  static void update(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int parameter = args.get(1) + i;
      int first = args.get(3) + i;
      int second = args.get(4) + i;
      int schedule = args.get(5);
      float beta1 = floats.get(args.get(7));
      float beta2 = floats.get(args.get(8));
      float g = floats.get(args.get(2) + i) * floats.get(args.get(6));
      float m = beta1 * floats.get(first) + floats.get(args.get(11)) * g;
      float v = beta2 * floats.get(second) + floats.get(args.get(12)) * g * g;
      floats.set(first, m);
      floats.set(second, v);
      float p = floats.get(parameter);
      float mean = m / floats.get(schedule + 1);
      float root = TornadoMath.sqrt(v / floats.get(schedule + 2));
      float step = mean / (root + floats.get(args.get(9))) + floats.get(args.get(10)) * p;
      floats.set(parameter, p - floats.get(schedule) * step);
      floats.set(args.get(2) + i, 0f);
    }
  }
}
