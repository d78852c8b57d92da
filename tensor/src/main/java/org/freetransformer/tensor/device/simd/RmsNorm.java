package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/** Root-mean-square norm over rows. */
final class RmsNorm {
  private RmsNorm() {}

  static Kernel forward(Instruction.RmsNorm instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.x());
    MemorySegment x = Memory.of(instruction.x());
    MemorySegment weight = Memory.of(instruction.weight());
    MemorySegment out = Memory.of(instruction.out().buffer());
    MemorySegment rstd = Memory.of(instruction.rstd());
    double epsilon = instruction.epsilon();
    boolean accumulate = instruction.out().accumulate();
    ThreadTeam.Task task =
        (block, _) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            long start = blocks.start(row);
            double square = squares(x, start, blocks.columns()) / (double) blocks.columns();
            float factor = (float) (1 / Math.sqrt(square + epsilon));
            rstd.setAtIndex(Memory.FLOAT, row, factor);
            scale(x, weight, out, start, blocks.columns(), factor, accumulate);
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  /** Σ x². */
  static float squares(MemorySegment x, long start, int n) {
    FloatVector even = FloatVector.zero(Lanes.SPECIES);
    FloatVector odd = FloatVector.zero(Lanes.SPECIES);
    int i = 0;
    for (; i < n - 2 * Lanes.COUNT + 1; i += 2 * Lanes.COUNT) {
      FloatVector a = Lanes.load(x, start + 4L * i);
      FloatVector b = Lanes.load(x, start + 4L * (i + Lanes.COUNT));
      even = a.fma(a, even);
      odd = b.fma(b, odd);
    }
    for (; i < n; i += Lanes.COUNT) {
      FloatVector a = Lanes.load(x, start + 4L * i, Lanes.mask(i, n));
      even = a.fma(a, even);
    }
    return Lanes.sum(even.add(odd));
  }

  private static void scale(
      MemorySegment x,
      MemorySegment weight,
      MemorySegment out,
      long start,
      int n,
      float factor,
      boolean accumulate) {
    int i = 0;
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector y = Lanes.load(x, at).mul(factor).mul(Lanes.load(weight, 4L * i));
      Lanes.store(accumulate ? y.add(Lanes.load(out, at)) : y, out, at);
    }
    if (i < n) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      long at = start + 4L * i;
      FloatVector y = Lanes.load(x, at, mask).mul(factor).mul(Lanes.load(weight, 4L * i, mask));
      Lanes.store(accumulate ? y.add(Lanes.load(out, at, mask)) : y, out, at, mask);
    }
  }
}
