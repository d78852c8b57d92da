package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.ADD;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/** Divergence of the plan's bits from fair coins, and the gradient. */
final class BernoulliKl {
  private static final float LN2 = (float) Math.log(2);

  private BernoulliKl() {}

  static Kernel forward(Instruction.BernoulliKl instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.logits());
    MemorySegment logits = Memory.of(instruction.logits());
    MemorySegment kl = Memory.of(instruction.kl().buffer());
    boolean accumulate = instruction.kl().accumulate();
    workers.requireArray(0, blocks.columns() + Lanes.COUNT);
    ThreadTeam.Task task =
        (block, worker) -> {
          float[] exponentials = workers.array(0, worker);
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            exponentials(logits, blocks.start(row), blocks.columns(), exponentials);
            float sum = divergence(logits, blocks.start(row), blocks.columns(), exponentials);
            float before = accumulate ? Memory.floatAt(kl, row) : 0;
            kl.setAtIndex(Memory.FLOAT, row, before + sum);
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  private static void exponentials(MemorySegment logits, long start, int bits, float[] out) {
    for (int i = 0; i < bits; i += Lanes.COUNT) {
      FloatVector l = Lanes.load(logits, start + 4L * i, Lanes.mask(i, bits));
      VectorMath.expOfMinusMagnitude(l).intoArray(out, i);
    }
  }

  /**
   * The sum over bits of {@code ln 2 + l·σ(l) − softplus(l)}. With a = |l| and e = exp(−a) that is
   * {@code ln 2 − a·e/(1+e) − ln(1+e)}, where nothing overflows.
   */
  private static float divergence(
      MemorySegment logits, long start, int bits, float[] exponentials) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    for (int i = 0; i < bits; i += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(i, bits);
      FloatVector a = Lanes.load(logits, start + 4L * i, mask).lanewise(VectorOperators.ABS);
      FloatVector e = FloatVector.fromArray(Lanes.SPECIES, exponentials, i);
      FloatVector entropy = a.mul(e).div(e.add(1f)).add(VectorMath.logOfOnePlus(e));
      sum = sum.lanewise(ADD, Lanes.all(LN2).sub(entropy), mask);
    }
    return Lanes.sum(sum);
  }

  static Kernel backward(Instruction.BernoulliKlBackward instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.logits());
    MemorySegment logits = Memory.of(instruction.logits());
    MemorySegment dkl = Memory.of(instruction.dkl());
    MemorySegment dlogits = Memory.of(instruction.dlogits().buffer());
    boolean accumulate = instruction.dlogits().accumulate();
    ThreadTeam.Task task =
        (block, _) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            float factor = Memory.floatAt(dkl, row);
            gradients(logits, dlogits, blocks.start(row), blocks.columns(), factor, accumulate);
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  private static void gradients(
      MemorySegment logits,
      MemorySegment dlogits,
      long start,
      int bits,
      float factor,
      boolean accumulate) {
    for (int i = 0; i < bits; i += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(i, bits);
      long at = start + 4L * i;
      FloatVector l = Lanes.load(logits, at, mask);
      // σ(l)·σ(−l) with e = exp(−|l|).
      FloatVector e = VectorMath.expOfMinusMagnitude(l);
      FloatVector sum = e.add(1f);
      FloatVector slope = e.div(sum.mul(sum));
      FloatVector g = l.mul(slope).mul(factor);
      Lanes.store(accumulate ? g.add(Lanes.load(dlogits, at, mask)) : g, dlogits, at, mask);
    }
  }
}
