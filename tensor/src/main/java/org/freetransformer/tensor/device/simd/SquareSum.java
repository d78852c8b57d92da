package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.ReduceFunction;
import org.jspecify.annotations.Nullable;

/**
 * The sum of the squares of f32 numbers in f64: so exact that, rounded to f32, it does not show how
 * the numbers were cut into pieces. Blocks of fixed size are combined in order.
 */
final class SquareSum implements Kernel, ThreadTeam.Task {
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  private final Workers workers;
  private final MemorySegment in;
  private final MemorySegment out;
  private final boolean accumulate;
  private final long size;
  private final double[] blockSums;

  private SquareSum(Instruction.Reduce instruction, Workers workers) {
    this.workers = workers;
    in = Memory.of(instruction.in());
    out = Memory.of(instruction.out().buffer());
    accumulate = instruction.out().accumulate();
    size = instruction.in().size();
    blockSums = new double[Workers.blocks(size)];
  }

  /** A kernel, or null for another reduction. */
  static @Nullable Kernel of(Instruction.Reduce instruction, Workers workers) {
    boolean suits =
        instruction.function() == ReduceFunction.SUM_OF_SQUARES
            && instruction.in().dtype() == DType.F32
            && instruction.in().isContiguous()
            && instruction.out().buffer().dtype() == DType.F64
            && instruction.out().buffer().size() == 1;
    return suits ? new SquareSum(instruction, workers) : null;
  }

  @Override
  public void run() {
    workers.run(blockSums.length, size, this);
    double sum = accumulate ? out.get(DOUBLE, 0) : 0;
    for (double blockSum : blockSums) {
      sum += blockSum;
    }
    out.set(DOUBLE, 0, sum);
  }

  @Override
  public void run(int block, int worker) {
    long first = (long) block * Workers.BLOCK;
    int n = (int) Math.min(Workers.BLOCK, size - first);
    long start = first * Float.BYTES;
    double a = 0; // Four sums, so that additions need not wait for each other.
    double b = 0;
    double c = 0;
    double d = 0;
    int i = 0;
    for (; i + 4 <= n; i += 4) {
      double w = in.get(Memory.FLOAT, start + 4L * i);
      double x = in.get(Memory.FLOAT, start + 4L * i + 4);
      double y = in.get(Memory.FLOAT, start + 4L * i + 8);
      double z = in.get(Memory.FLOAT, start + 4L * i + 12);
      a += w * w;
      b += x * x;
      c += y * y;
      d += z * z;
    }
    for (; i < n; i++) {
      double x = in.get(Memory.FLOAT, start + 4L * i);
      a += x * x;
    }
    blockSums[block] = (a + b) + (c + d);
  }
}
