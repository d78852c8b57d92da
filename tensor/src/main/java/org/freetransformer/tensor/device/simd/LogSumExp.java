package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.MAX;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** The two passes over a row that every softmax begins with. */
final class LogSumExp {
  private static final long VECTOR_BYTES = 4L * Lanes.COUNT;

  private LogSumExp() {}

  /** The largest of {@code n} numbers; a NaN among them is passed over. */
  static float max(MemorySegment row, long start, int n) {
    FloatVector max = Lanes.all(Float.NEGATIVE_INFINITY);
    FloatVector max1 = max;
    FloatVector max2 = max;
    FloatVector max3 = max;
    int i = 0;
    // Four at a time: with one, each comparison waits for the one before.
    for (; i <= n - 4 * Lanes.COUNT; i += 4 * Lanes.COUNT) {
      long at = start + 4L * i;
      max = Lanes.larger(max, Lanes.load(row, at));
      max1 = Lanes.larger(max1, Lanes.load(row, at + VECTOR_BYTES));
      max2 = Lanes.larger(max2, Lanes.load(row, at + 2 * VECTOR_BYTES));
      max3 = Lanes.larger(max3, Lanes.load(row, at + 3 * VECTOR_BYTES));
    }
    max = max.max(max1).max(max2.max(max3));
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      max = Lanes.larger(max, Lanes.load(row, start + 4L * i));
    }
    if (i < n) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      max = max.lanewise(MAX, Lanes.load(row, start + 4L * i, mask), mask);
    }
    return max.reduceLanes(MAX);
  }

  /** {@code Σ exp(x − max)} over {@code n} numbers. */
  static float sum(MemorySegment row, long start, int n, float max) {
    int whole = Lanes.whole(n);
    float sum = sumWhole(row, start, whole, max);
    return whole == n ? sum : sum + sumTail(row, start + 4L * whole, n - whole, max);
  }

  static float sumWhole(MemorySegment row, long start, int n, float max) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    FloatVector shift = Lanes.all(max);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      sum = sum.add(VectorMath.expOfNegative(Lanes.load(row, start + 4L * i).sub(shift)));
    }
    return Lanes.sum(sum);
  }

  private static float sumTail(MemorySegment row, long start, int n, float max) {
    VectorMask<Float> mask = Lanes.mask(0, n);
    FloatVector x = Lanes.load(row, start, mask);
    FloatVector y = VectorMath.expOfNegative(x.sub(max));
    return Lanes.sum(FloatVector.zero(Lanes.SPECIES).blend(y, mask));
  }
}
