package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.ABS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/** Divergence of the plan's bits from fair coins, and the gradient. */
final class BernoulliKl {
  private static final float LN2 = (float) Math.log(2);
  private static final int TERMS = 0;
  private static final int EXPONENTIALS = 1;

  private BernoulliKl() {}

  /**
   * The sum over bits of {@code ln 2 + l·σ(l) − softplus(l)}. With a = |l| and e = exp(−a) that is
   * {@code ln 2 − a·e/(1+e) − ln(1+e)}, where nothing overflows.
   */
  static Kernel forward(Instruction.BernoulliKl instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.logits());
    MemorySegment logits = Memory.of(instruction.logits());
    MemorySegment kl = Memory.of(instruction.kl().buffer());
    boolean accumulate = instruction.kl().accumulate();
    int bits = blocks.columns();
    int room = blocks.rowsPerBlock() * bits + Lanes.COUNT;
    workers.requireArray(TERMS, room);
    workers.requireArray(EXPONENTIALS, room);
    ThreadTeam.Task task =
        (block, worker) -> {
          int first = blocks.first(block);
          int n = (blocks.end(block) - first) * bits;
          float[] terms = workers.array(TERMS, worker);
          float[] exponentials = workers.array(EXPONENTIALS, worker);
          MemorySegment.copy(logits, Memory.FLOAT, blocks.start(first), terms, 0, n);
          exponentials(terms, n, exponentials);
          entropies(terms, n, exponentials);
          UnaryLoops.logOfOnePlus(exponentials, n);
          sums(terms, exponentials, bits, kl, first, blocks.end(block), accumulate);
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  private static void exponentials(float[] logits, int n, float[] out) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector l = FloatVector.fromArray(Lanes.SPECIES, logits, i);
      VectorMath.expOfMinusMagnitude(l).intoArray(out, i);
    }
  }

  /** From logits to {@code |l|·e / (1 + e)}, in place. */
  private static void entropies(float[] logits, int n, float[] exponentials) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector a = FloatVector.fromArray(Lanes.SPECIES, logits, i).lanewise(ABS);
      FloatVector e = FloatVector.fromArray(Lanes.SPECIES, exponentials, i);
      a.mul(e).div(e.add(1f)).intoArray(logits, i);
    }
  }

  // Within the task this loop would have it compiled before the loops that it calls, which were
  // then
  // inlined without a profile: with calls, whose vectors are objects.
  private static void sums(
      float[] entropies,
      float[] logarithms,
      int bits,
      MemorySegment kl,
      int first,
      int end,
      boolean accumulate) {
    int i = 0;
    for (int row = first; row < end; row++) {
      float sum = accumulate ? Memory.floatAt(kl, row) : 0;
      for (int rowEnd = i + bits; i < rowEnd; i++) {
        sum += LN2 - (entropies[i] + logarithms[i]);
      }
      kl.setAtIndex(Memory.FLOAT, row, sum);
    }
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
      Lanes.put(g, accumulate, dlogits, at, mask);
    }
  }
}
