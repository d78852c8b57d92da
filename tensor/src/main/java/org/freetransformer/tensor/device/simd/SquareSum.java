package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.ReduceFunction;
import org.jspecify.annotations.Nullable;

/**
 * The sum of the squares of f32 numbers in f64: so exact that, rounded to f32, it does not show how
 * the numbers were cut into pieces. The lanes of blocks of fixed size are added up in order.
 *
 * <p>A float's exponent and digits, without its sign, shifted to the places of a double's are the
 * double |x|·2⁻⁸⁹⁶: two of them lie in each lane of 64 bits. A vector of half as many floats would
 * do with a conversion, but a second size of {@code FloatVector} spoils what the compiler knows of
 * the receivers of all its methods, and vectors elsewhere become objects.
 */
final class SquareSum implements Kernel, ThreadTeam.Task {
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
  private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;
  private static final int LANES = DOUBLES.length();

  /** Floats in a vector. */
  private static final int FLOATS = 2 * LANES;

  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  /** Bits that a double has more of digits. */
  private static final int SHIFT = 52 - 23;

  private static final long MAGNITUDE = 0x7FFF_FFFFL;
  private static final double SCALE = 0x1p896;

  /** The square of what an infinity becomes; what is not a number becomes more. */
  private static final double TOO_MUCH = 0x1p256;

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
    int whole = n - n % (2 * FLOATS);
    long start = first * Float.BYTES;
    int to = block * LANES;
    addWhole(start, whole, to);
    double most = 0;
    for (int lane = 0; lane < LANES; lane++) {
      most = Math.max(most, sums[to + lane]);
    }
    if (most >= TOO_MUCH) {
      Arrays.fill(sums, to, to + LANES, 0);
      whole = 0;
    }
    for (int i = whole; i < n; i++) {
      double x = in.get(Memory.FLOAT, start + 4L * i);
      sums[to] += x * x;
    }
  }

  /** The sums of finite numbers, two vectors at a time. */
  private void addWhole(long start, int n, int to) {
    DoubleVector a = DoubleVector.zero(DOUBLES);
    DoubleVector b = DoubleVector.zero(DOUBLES);
    DoubleVector c = DoubleVector.zero(DOUBLES);
    DoubleVector d = DoubleVector.zero(DOUBLES);
    for (int i = 0; i < n; i += 2 * FLOATS) {
      long at = start + 4L * i;
      LongVector pairs = LongVector.fromMemorySegment(LONGS, in, at, ORDER);
      DoubleVector x = scaled(pairs.and(MAGNITUDE).lanewise(VectorOperators.LSHL, SHIFT));
      a = x.fma(x, a);
      x = scaled(pairs.lanewise(VectorOperators.LSHR, 32 - SHIFT).and(MAGNITUDE << SHIFT));
      b = x.fma(x, b);
      pairs = LongVector.fromMemorySegment(LONGS, in, at + 4L * FLOATS, ORDER);
      x = scaled(pairs.and(MAGNITUDE).lanewise(VectorOperators.LSHL, SHIFT));
      c = x.fma(x, c);
      x = scaled(pairs.lanewise(VectorOperators.LSHR, 32 - SHIFT).and(MAGNITUDE << SHIFT));
      d = x.fma(x, d);
    }
    a.add(b).add(c.add(d)).intoArray(sums, to);
  }

  private static DoubleVector scaled(LongVector bits) {
    return bits.reinterpretAsDoubles().mul(SCALE);
  }
}
