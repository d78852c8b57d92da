package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/** Softmax or its logarithm over rows, and the gradient. */
final class Softmax {
  private Softmax() {}

  static Kernel forward(Instruction.Softmax instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.in());
    MemorySegment in = Memory.of(instruction.in());
    MemorySegment out = Memory.of(instruction.out().buffer());
    boolean logarithm = instruction.logarithm();
    boolean accumulate = instruction.out().accumulate();
    ThreadTeam.Task task =
        (block, _) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            long start = blocks.start(row);
            float max = LogSumExp.max(in, start, blocks.columns());
            if (!logarithm && !accumulate) {
              float sum = exponentials(in, out, start, blocks.columns(), max);
              scale(out, start, blocks.columns(), 1 / sum);
              continue;
            }
            float sum = LogSumExp.sum(in, start, blocks.columns(), max);
            if (logarithm) {
              float rest = (float) Math.log(sum);
              logarithms(in, out, start, blocks.columns(), max, rest, accumulate);
            } else {
              weights(in, out, start, blocks.columns(), max, 1 / sum, accumulate);
            }
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  /** Exponentials relative to the largest, where weights will be; their sum. */
  private static float exponentials(
      MemorySegment in, MemorySegment out, long start, int n, float max) {
    int whole = Lanes.whole(n);
    float sum = exponentialsWhole(in, out, start, whole, max);
    if (whole < n) {
      long at = start + 4L * whole;
      VectorMask<Float> mask = Lanes.mask(whole, n);
      FloatVector y = VectorMath.expOfNegative(Lanes.load(in, at, mask).sub(max));
      Lanes.store(y, out, at, mask);
      sum += Lanes.sum(FloatVector.zero(Lanes.SPECIES).blend(y, mask));
    }
    return sum;
  }

  static float exponentialsWhole(
      MemorySegment in, MemorySegment out, long start, int n, float max) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    FloatVector shift = Lanes.all(max);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector y = VectorMath.expOfNegative(Lanes.load(in, at).sub(shift));
      sum = sum.add(y);
      Lanes.store(y, out, at);
    }
    return Lanes.sum(sum);
  }

  private static void scale(MemorySegment out, long start, int n, float factor) {
    int whole = Lanes.whole(n);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = start + 4L * i;
      Lanes.store(Lanes.load(out, at).mul(factor), out, at);
    }
    if (whole < n) {
      long at = start + 4L * whole;
      VectorMask<Float> mask = Lanes.mask(whole, n);
      Lanes.store(Lanes.load(out, at, mask).mul(factor), out, at, mask);
    }
  }

  private static void weights(
      MemorySegment in,
      MemorySegment out,
      long start,
      int n,
      float max,
      float factor,
      boolean accumulate) {
    int whole = Lanes.whole(n);
    weightsWhole(in, out, start, whole, max, factor, accumulate);
    if (whole < n) {
      long at = start + 4L * whole;
      VectorMask<Float> mask = Lanes.mask(whole, n);
      FloatVector y = VectorMath.expOfNegative(Lanes.load(in, at, mask).sub(max)).mul(factor);
      Lanes.put(y, accumulate, out, at, mask);
    }
  }

  static void weightsWhole(
      MemorySegment in,
      MemorySegment out,
      long start,
      int n,
      float max,
      float factor,
      boolean accumulate) {
    FloatVector shift = Lanes.all(max);
    FloatVector scale = Lanes.all(factor);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector y = VectorMath.expOfNegative(Lanes.load(in, at).sub(shift)).mul(scale);
      Lanes.put(y, accumulate, out, at);
    }
  }

  /** In two steps, because max + rest would round away digits that x − max cancels. */
  private static void logarithms(
      MemorySegment in,
      MemorySegment out,
      long start,
      int n,
      float max,
      float rest,
      boolean accumulate) {
    int whole = Lanes.whole(n);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector y = Lanes.load(in, at).sub(max).sub(rest);
      Lanes.put(y, accumulate, out, at);
    }
    if (whole < n) {
      long at = start + 4L * whole;
      VectorMask<Float> mask = Lanes.mask(whole, n);
      Lanes.put(Lanes.load(in, at, mask).sub(max).sub(rest), accumulate, out, at, mask);
    }
  }

  static Kernel backward(Instruction.SoftmaxBackward instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.y());
    MemorySegment y = Memory.of(instruction.y());
    MemorySegment dy = Memory.of(instruction.dy());
    MemorySegment dx = Memory.of(instruction.dx().buffer());
    boolean logarithm = instruction.logarithm();
    boolean accumulate = instruction.dx().accumulate();
    ThreadTeam.Task task =
        (block, _) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            long start = blocks.start(row);
            float sum = sum(y, dy, start, blocks.columns(), logarithm);
            gradients(y, dy, dx, start, blocks.columns(), sum, logarithm, accumulate);
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  /** Σ dy if {@code logarithm}, else Σ y·dy. */
  private static float sum(
      MemorySegment y, MemorySegment dy, long start, int n, boolean logarithm) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    int whole = Lanes.whole(n);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector term = Lanes.load(dy, start + 4L * i);
      sum = sum.add(logarithm ? term : term.mul(Lanes.load(y, start + 4L * i)));
    }
    if (whole < n) {
      VectorMask<Float> mask = Lanes.mask(whole, n);
      FloatVector term = Lanes.load(dy, start + 4L * whole, mask);
      sum = sum.add(logarithm ? term : term.mul(Lanes.load(y, start + 4L * whole, mask)));
    }
    return Lanes.sum(sum);
  }

  private static void gradients(
      MemorySegment y,
      MemorySegment dy,
      MemorySegment dx,
      long start,
      int n,
      float sum,
      boolean logarithm,
      boolean accumulate) {
    int whole = Lanes.whole(n);
    if (logarithm) {
      logarithmGradients(y, dy, dx, start, whole, sum, accumulate);
    } else {
      weightGradients(y, dy, dx, start, whole, sum, accumulate);
    }
    if (whole < n) {
      long at = start + 4L * whole;
      VectorMask<Float> mask = Lanes.mask(whole, n);
      FloatVector value = Lanes.load(y, at, mask);
      FloatVector gradient = Lanes.load(dy, at, mask);
      FloatVector result =
          logarithm ? gradient.sub(VectorMath.exp(value).mul(sum)) : value.mul(gradient.sub(sum));
      Lanes.put(result, accumulate, dx, at, mask);
    }
  }

  static void weightGradients(
      MemorySegment y,
      MemorySegment dy,
      MemorySegment dx,
      long start,
      int n,
      float sum,
      boolean accumulate) {
    FloatVector total = Lanes.all(sum);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector result = Lanes.load(y, at).mul(Lanes.load(dy, at).sub(total));
      Lanes.put(result, accumulate, dx, at);
    }
  }

  static void logarithmGradients(
      MemorySegment y,
      MemorySegment dy,
      MemorySegment dx,
      long start,
      int n,
      float sum,
      boolean accumulate) {
    FloatVector total = Lanes.all(sum);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector result = Lanes.load(dy, at).sub(VectorMath.exp(Lanes.load(y, at)).mul(total));
      Lanes.put(result, accumulate, dx, at);
    }
  }
}
