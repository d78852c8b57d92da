package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** Softmax and cross-entropy: one work group a row. */
final class SoftmaxKernels {
  private SoftmaxKernels() {}

  /** The largest of a row of {@code columns} numbers, in all items of the group. */
  private static float largest(
      KernelContext c, FloatArray floats, float[] scratch, int row, int columns) {
    float largest = -3.4028235e38f;
    for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
      float x = floats.get(row + d);
      largest = x > largest ? x : largest;
    }
    return Groups.max(c, scratch, largest);
  }

  /** ln Σ e^(x − largest) over a row, in all items of the group. */
  private static float logSum(
      KernelContext c, FloatArray floats, float[] scratch, int row, int columns, float largest) {
    float sum = 0f;
    for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
      sum += TornadoMath.exp(floats.get(row + d) - largest);
    }
    return TornadoMath.log(Groups.sum(c, scratch, sum));
  }

  /** Args: {@code [columns, in, out, logarithm, accumulate]}. */
  static void softmax(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    int columns = args.get(0);
    int in = args.get(1) + c.groupIdx * columns;
    int out = args.get(2) + c.groupIdx * columns;
    float largest = largest(c, floats, scratch, in, columns);
    float logSum = logSum(c, floats, scratch, in, columns, largest);
    for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
      // Two steps: the sum of the two may be large where the result is small.
      float y = (floats.get(in + d) - largest) - logSum;
      if (args.get(3) == 0) {
        y = TornadoMath.exp(y);
      }
      Scalars.put(floats, out + d, y, args.get(4));
    }
  }

  /** Args: {@code [columns, y, dy, dx, logarithm, accumulate]}. */
  static void softmaxBackward(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    int columns = args.get(0);
    int y = args.get(1) + c.groupIdx * columns;
    int dy = args.get(2) + c.groupIdx * columns;
    int dx = args.get(3) + c.groupIdx * columns;
    int logarithm = args.get(4);
    float mine = 0f;
    for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
      float gradient = floats.get(dy + d);
      mine += logarithm != 0 ? gradient : gradient * floats.get(y + d);
    }
    float sum = Groups.sum(c, scratch, mine);
    for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
      float gradient = floats.get(dy + d);
      float value = floats.get(y + d);
      float result = 0f;
      if (logarithm != 0) {
        result = gradient - TornadoMath.exp(value) * sum;
      } else {
        result = value * (gradient - sum);
      }
      Scalars.put(floats, dx + d, result, args.get(5));
    }
  }

  /** Args: {@code [columns, logits, targets, ignored target, losses, lse]}. */
  static void crossEntropy(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    int columns = args.get(0);
    int row = c.groupIdx;
    int logits = args.get(1) + row * columns;
    float largest = largest(c, floats, scratch, logits, columns);
    float logSum = logSum(c, floats, scratch, logits, columns, largest);
    if (c.localIdx == 0) {
      int target = ints.get(args.get(2) + row);
      float loss = 0f;
      if (target != args.get(3)) {
        // A target that is no class: nothing can be thrown here, but such a step is not taken.
        boolean known = target >= 0 && target < columns;
        float logit = floats.get(logits + (known ? target : 0));
        loss = known ? (largest - logit) + logSum : Float.POSITIVE_INFINITY;
      }
      floats.set(args.get(4) + row, loss);
      floats.set(args.get(5) + row, largest + logSum);
    }
  }

  /**
   * Args: {@code [columns, logits, targets, ignored target, lse, dlosses, dlogits, accumulate, n]};
   * a work item for each of the n logits.
   */
  static void crossEntropyBackward(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(8)) {
      int columns = args.get(0);
      int row = i / columns;
      int target = ints.get(args.get(2) + row);
      float gradient = 0f;
      if (target != args.get(3)) {
        float p = TornadoMath.exp(floats.get(args.get(1) + i) - floats.get(args.get(4) + row));
        if (i - row * columns == target) {
          p -= 1f;
        }
        gradient = p * floats.get(args.get(5) + row);
      }
      int out = args.get(6) + i;
      Scalars.put(floats, out, gradient, args.get(7));
    }
  }
}
