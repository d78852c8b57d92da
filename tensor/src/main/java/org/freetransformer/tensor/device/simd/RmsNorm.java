package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/** Root-mean-square norm over rows of f32; what it stores may be of 16 bits. */
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
    DType type = instruction.out().buffer().dtype();
    boolean halves = Halves.are(type);
    int n = blocks.columns();
    if (halves) {
      workers.requireSegment(4L * (n + Lanes.COUNT));
    }
    ThreadTeam.Task task =
        (block, worker) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            long start = blocks.start(row);
            float factor = factor(squares(x, start, n), n, epsilon);
            rstd.setAtIndex(Memory.FLOAT, row, factor);
            if (halves) {
              MemorySegment y = workers.segment(worker);
              scale(x, start, weight, y, 0, n, factor, false);
              Halves.put(y, 0, n, accumulate, type, out, start / 2);
            } else {
              scale(x, start, weight, out, start, n, factor, accumulate);
            }
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  /** The reciprocal of the root of the mean square. */
  static float factor(float squares, int n, double epsilon) {
    return (float) (1 / Math.sqrt(squares / (double) n + epsilon));
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
      long start,
      MemorySegment weight,
      MemorySegment out,
      long outStart,
      int n,
      float factor,
      boolean accumulate) {
    int i = 0;
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      long at = start + 4L * i;
      long to = outStart + 4L * i;
      FloatVector y = Lanes.load(x, at).mul(factor).mul(Lanes.load(weight, 4L * i));
      Lanes.put(y, accumulate, out, to);
    }
    if (i < n) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      long at = start + 4L * i;
      long to = outStart + 4L * i;
      FloatVector y = Lanes.load(x, at, mask).mul(factor).mul(Lanes.load(weight, 4L * i, mask));
      Lanes.put(y, accumulate, out, to, mask);
    }
  }
}
