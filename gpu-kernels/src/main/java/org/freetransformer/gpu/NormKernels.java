package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** RMSNorm and its gradients: one work group a row, or a column for the weight's gradient. */
final class NormKernels {
  private NormKernels() {}

  /** Args: {@code [columns, x, weight, out, rstd, accumulate]}; a is epsilon. */
  static void rmsNorm(
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
    int x = args.get(1) + row * columns;
    int weight = args.get(2);
    int out = args.get(3) + row * columns;
    float squares = 0f;
    for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
      float value = floats.get(x + d);
      squares += value * value;
    }
    float rstd = 1f / TornadoMath.sqrt(Groups.sum(c, scratch, squares) / columns + a);
    if (c.localIdx == 0) {
      floats.set(args.get(4) + row, rstd);
    }
    for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
      float y = floats.get(x + d) * rstd * floats.get(weight + d);
      Scalars.put(floats, out + d, y, args.get(5));
    }
  }

  /** Args: {@code [columns, x, weight, rstd, dy, dx, accumulate]}. */
  static void backwardToInput(
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
    int x = args.get(1) + row * columns;
    int weight = args.get(2);
    float rstd = floats.get(args.get(3) + row);
    int dy = args.get(4) + row * columns;
    int dx = args.get(5) + row * columns;
    float dot = 0f;
    for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
      dot += floats.get(dy + d) * floats.get(weight + d) * floats.get(x + d);
    }
    float correction = rstd * rstd * Groups.sum(c, scratch, dot) / columns;
    for (int d = c.localIdx; d < columns; d += Groups.SIZE) {
      float g = floats.get(dy + d) * floats.get(weight + d);
      float gradient = rstd * (g - floats.get(x + d) * correction);
      Scalars.put(floats, dx + d, gradient, args.get(6));
    }
  }

  /** Args: {@code [columns, x, rows, rstd, dy, dweight, accumulate]}; a group for each column. */
  static void backwardToWeight(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    int columns = args.get(0);
    int column = c.groupIdx;
    int x = args.get(1) + column;
    int rows = args.get(2);
    int rstd = args.get(3);
    int dy = args.get(4) + column;
    float mine = 0f;
    for (int n = c.localIdx; n < rows; n += Groups.SIZE) {
      mine += floats.get(dy + n * columns) * floats.get(x + n * columns) * floats.get(rstd + n);
    }
    float sum = Groups.sum(c, scratch, mine);
    if (c.localIdx == 0) {
      int out = args.get(5) + column;
      Scalars.put(floats, out, sum, args.get(6));
    }
  }
}
