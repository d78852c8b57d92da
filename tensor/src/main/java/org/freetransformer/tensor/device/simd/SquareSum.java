package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.ReduceFunction;
import org.jspecify.annotations.Nullable;

/**
 * The sum of the squares of f32 numbers in f64: so exact that, rounded to f32, it does not show how
 * the numbers were cut into pieces. The lanes of blocks of fixed size are added up in order.
 */
final class SquareSum implements Kernel, ThreadTeam.Task {
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;
  private static final int LANES = DOUBLES.length();

  private static final long BYTES = (long) LANES * Float.BYTES;

  /** As many numbers of half the size. */
  private static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorShape.forBitSize(DOUBLES.vectorBitSize() / 2));

  private final Workers workers;
  private final MemorySegment in;
  private final MemorySegment out;
  private final boolean accumulate;
  private final long size;
  private final int blocks;
  private final double[] sums;

  private SquareSum(Instruction.Reduce instruction, Workers workers) {
    this.workers = workers;
    in = Memory.of(instruction.in());
    out = Memory.of(instruction.out().buffer());
    accumulate = instruction.out().accumulate();
    size = instruction.in().size();
    blocks = Workers.blocks(size);
    sums = new double[blocks * LANES];
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
    workers.run(blocks, size, this);
    double total = accumulate ? out.get(DOUBLE, 0) : 0;
    for (double sum : sums) {
      total += sum;
    }
    out.set(DOUBLE, 0, total);
  }

  @Override
  public void run(int block, int worker) {
    long first = (long) block * Workers.BLOCK;
    int n = (int) Math.min(Workers.BLOCK, size - first);
    int whole = n - n % (4 * LANES);
    long start = first * Float.BYTES;
    int to = block * LANES;
    addWhole(start, whole, to);
    for (int i = whole; i < n; i++) {
      double x = in.get(Memory.FLOAT, start + 4L * i);
      sums[to] += x * x;
    }
  }

  /** Four vectors at a time, so that additions need not wait for each other. */
  private void addWhole(long start, int n, int to) {
    DoubleVector a = DoubleVector.zero(DOUBLES);
    DoubleVector b = DoubleVector.zero(DOUBLES);
    DoubleVector c = DoubleVector.zero(DOUBLES);
    DoubleVector d = DoubleVector.zero(DOUBLES);
    for (int i = 0; i < n; i += 4 * LANES) {
      long at = start + 4L * i;
      DoubleVector x = doubles(at);
      a = x.fma(x, a);
      x = doubles(at + BYTES);
      b = x.fma(x, b);
      x = doubles(at + 2 * BYTES);
      c = x.fma(x, c);
      x = doubles(at + 3 * BYTES);
      d = x.fma(x, d);
    }
    a.add(b).add(c.add(d)).intoArray(sums, to);
  }

  private DoubleVector doubles(long at) {
    return (DoubleVector)
        FloatVector.fromMemorySegment(FLOATS, in, at, ByteOrder.nativeOrder())
            .convertShape(VectorOperators.F2D, DOUBLES, 0);
  }
}
