package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.MAX;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.ReduceFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reductions of f32 seen as [outer, reduced, inner], inner without gaps: over the last axes (inner
 * is 1), the first ones (outer is 1), or some in the middle. The reduced axis is cut into parts of
 * fixed size; each part's result stands in scratch memory until they are combined in order.
 */
final class Reduce implements Kernel {
  private static final int LEAST_ROWS_PER_PART = 32;

  private final Workers workers;
  private final boolean max;
  private final boolean squares;
  private final float identity;
  private final MemorySegment in;
  private final MemorySegment out;
  private final boolean accumulate;
  private final ReduceShape shape;
  private final int rowsPerPart;
  private final int parts;
  private final int outersPerTask;
  private final ThreadTeam.Task partTask = this::reduceParts;
  private final ThreadTeam.Task resultTask = this::combineParts;

  private Reduce(Instruction.Reduce instruction, ReduceShape shape, Workers workers) {
    this.workers = workers;
    this.shape = shape;
    max = instruction.function() == ReduceFunction.MAX;
    squares = instruction.function() == ReduceFunction.SUM_OF_SQUARES;
    identity = (float) instruction.function().identity();
    in = Memory.of(instruction.in());
    out = Memory.of(instruction.out().buffer());
    accumulate = instruction.out().accumulate();
    rowsPerPart = Math.max(LEAST_ROWS_PER_PART, Workers.BLOCK / Math.max(1, shape.inner()));
    parts = Math.max(1, Math.ceilDiv(shape.reduced(), rowsPerPart));
    long each = Math.max(1, (long) Math.min(rowsPerPart, shape.reduced()) * shape.inner());
    outersPerTask = (int) Math.max(1, Workers.BLOCK / each);
    workers.requireShared((long) shape.outer() * parts * shape.inner() * Float.BYTES);
  }

  /** A kernel, or null where the strides do not fit the pattern. */
  static @Nullable Kernel of(Instruction.Reduce instruction, Workers workers) {
    Layout in = instruction.in().layout();
    ReduceShape shape = ReduceShape.of(in, instruction.out().buffer().layout());
    return shape == null ? null : new Reduce(instruction, shape, workers);
  }

  @Override
  public void run() {
    long elements = (long) shape.outer() * shape.reduced() * shape.inner();
    int groups = Math.ceilDiv(shape.outer(), outersPerTask);
    workers.run(groups * parts, elements, partTask);
    workers.run(groups, (long) shape.outer() * parts * shape.inner(), resultTask);
  }

  private void reduceParts(int task, int worker) {
    int first = task / parts * outersPerTask;
    int part = task % parts;
    int from = part * rowsPerPart;
    int to = Math.min(shape.reduced(), from + rowsPerPart);
    for (int k = first; k < Math.min(shape.outer(), first + outersPerTask); k++) {
      long source = 4L * (k * shape.outerStride() + from * shape.reducedStride());
      long target = partStart(k, part);
      if (shape.inner() == 1 && shape.reducedStride() == 1) {
        workers.shared().set(Memory.FLOAT, target, reduceRun(source, to - from));
      } else {
        reduceColumns(source, to - from, workers.shared(), target);
      }
    }
  }

  private long partStart(int outer, int part) {
    return 4L * ((long) outer * parts + part) * shape.inner();
  }

  private float reduceRun(long start, int n) {
    FloatVector even = Lanes.all(identity);
    FloatVector odd = Lanes.all(identity);
    int i = 0;
    for (; i <= n - 2 * Lanes.COUNT; i += 2 * Lanes.COUNT) {
      even = combine(even, Lanes.load(in, start + 4L * i));
      odd = combine(odd, Lanes.load(in, start + 4L * (i + Lanes.COUNT)));
    }
    for (; i < n; i += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      FloatVector x = Lanes.all(identity).blend(Lanes.load(in, start + 4L * i, mask), mask);
      even = combine(even, x);
    }
    return max ? even.max(odd).reduceLanes(MAX) : Lanes.sum(even.add(odd));
  }

  private void reduceColumns(long start, int rows, MemorySegment parts, long target) {
    int n = shape.inner();
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      FloatVector result = Lanes.all(identity);
      for (int row = 0; row < rows; row++) {
        long at = start + 4 * (row * shape.reducedStride() + i);
        result = combine(result, Lanes.load(in, at, mask));
      }
      Lanes.store(result, parts, target + 4L * i, mask);
    }
  }

  // Two methods of less than 36 bytes of code, which C2 also inlines where a loop seldom comes:
  // the middle of short rows. In a call vectors are objects.
  private FloatVector combine(FloatVector result, FloatVector x) {
    return max ? result.max(x) : add(result, x);
  }

  private FloatVector add(FloatVector result, FloatVector x) {
    return squares ? x.fma(x, result) : result.add(x);
  }

  private void combineParts(int group, int worker) {
    int first = group * outersPerTask;
    int n = shape.inner();
    MemorySegment results = workers.shared();
    for (int k = first; k < Math.min(shape.outer(), first + outersPerTask); k++) {
      long target = 4L * k * shape.outOuterStride();
      for (int i = 0; i < n; i += Lanes.COUNT) {
        VectorMask<Float> mask = Lanes.mask(i, n);
        FloatVector result = Lanes.load(results, partStart(k, 0) + 4L * i, mask);
        for (int part = 1; part < parts; part++) {
          FloatVector other = Lanes.load(results, partStart(k, part) + 4L * i, mask);
          result = max ? result.max(other) : result.add(other);
        }
        long at = target + 4L * i;
        Lanes.put(result, accumulate, out, at, mask);
      }
    }
  }
}
