package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.freetransformer.tensor.device.Draws;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;
import org.jspecify.annotations.Nullable;

/**
 * Plan indices drawn from their bits' logits, and back to bits. Both devices draw the same plan:
 * what is near enough to matter is decided in double precision.
 */
final class Plans {
  // Far more than the f32 probabilities are off; NaN is in doubt too.
  private static final float DOUBT = 1e-5f;
  private static final VectorOperators.Comparison FAR = VectorOperators.GT;

  private Plans() {}

  static Kernel sample(Instruction.SamplePlan instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.logits());
    MemorySegment logits = Memory.of(instruction.logits());
    MemorySegment indices = Memory.of(instruction.indices());
    int bits = blocks.columns();
    @Nullable Draws draws =
        instruction.rng() == null ? null : new Draws(instruction.rng(), instruction.salt());
    int most = Math.max(1, blocks.end(0) - blocks.first(0)) * bits;
    workers.requireWords(most + (VectorPhilox.LANES + 1) * Draws.BLOCK);
    long[][] masks = new long[workers.size()][Math.ceilDiv(most, Lanes.COUNT) + 1];
    ThreadTeam.Task task =
        (block, worker) -> {
          int begin = blocks.first(block);
          int rows = blocks.end(block) - begin;
          if (draws != null) {
            draw(
                logits,
                (long) begin * bits,
                rows * bits,
                draws,
                workers.words(worker),
                masks[worker]);
          }
          for (int row = 0; row < rows; row++) {
            int index =
                draws == null
                    ? likeliest(logits, (long) (begin + row) * bits, bits)
                    : gather(masks[worker], row * bits, bits);
            indices.setAtIndex(Memory.INT, begin + row, index);
          }
        };
    return () -> {
      if (draws != null) {
        draws.refresh();
      }
      workers.run(blocks.count(), blocks.elements(), task);
    };
  }

  /**
   * Draws bits of a run of logits, a mask a vector. Probabilities in f32 decide all draws but those
   * next to them; these are decided in double precision.
   */
  private static void draw(
      MemorySegment logits, long first, int n, Draws draws, int[] words, long[] masks) {
    int ahead = (int) (first % Draws.BLOCK);
    int count = Math.ceilDiv(ahead + n, Draws.BLOCK);
    draws.blocks(first / Draws.BLOCK, count, words, VectorPhilox::blocks);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      int width = Math.min(Lanes.COUNT, n - i);
      masks[i / Lanes.COUNT] =
          width == Lanes.COUNT
              ? drawWhole(logits, first + i, words, ahead + i)
              : decide(logits, first + i, words, ahead + i, 0, (1L << width) - 1);
    }
  }

  /**
   * Draws a vector's bits. A method of its own is compiled after some thousands of vectors, a loop
   * around all this only after tens of thousands, which are a hundred steps of training.
   */
  private static long drawWhole(MemorySegment logits, long first, int[] words, int from) {
    FloatVector uniform = uniform(words, from);
    FloatVector p = VectorMath.sigmoid(Lanes.load(logits, first * Float.BYTES));
    long bits = uniform.compare(VectorOperators.LT, p).toLong();
    FloatVector apart = uniform.sub(p).lanewise(VectorOperators.ABS);
    return decide(logits, first, words, from, bits, apart.compare(FAR, DOUBT).not().toLong());
  }

  /** The same bits with those that are unsure decided in double precision. */
  private static long decide(
      MemorySegment logits, long first, int[] words, int from, long bits, long unsure) {
    for (long left = unsure; left != 0; left &= left - 1) {
      int lane = Long.numberOfTrailingZeros(left);
      double p = UnaryFunction.SIGMOID.value(Memory.floatAt(logits, first + lane));
      boolean set = Draws.uniform(words[from + lane]) < p;
      bits = set ? bits | 1L << lane : bits & ~(1L << lane);
    }
    return bits;
  }

  private static FloatVector uniform(int[] words, int at) {
    IntVector kept =
        IntVector.fromArray(IntVector.SPECIES_PREFERRED, words, at)
            .lanewise(VectorOperators.LSHR, Draws.UNUSED_BITS);
    return ((FloatVector) kept.convert(VectorOperators.I2F, 0)).mul(1f / Draws.VALUES);
  }

  /** The bits of one row, from masks of {@link Lanes#COUNT} bits each. */
  private static int gather(long[] masks, int from, int bits) {
    int index = 0;
    for (int h = 0; h < bits; h++) {
      long mask = masks[(from + h) / Lanes.COUNT];
      index |= (int) (mask >>> (from + h) % Lanes.COUNT & 1) << h;
    }
    return index;
  }

  private static int likeliest(MemorySegment logits, long first, int bits) {
    int index = 0;
    for (int h = 0; h < bits; h++) {
      if (Memory.floatAt(logits, first + h) > 0) {
        index |= 1 << h;
      }
    }
    return index;
  }

  static Kernel bits(Instruction.PlanBits instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.out().buffer());
    MemorySegment indices = Memory.of(instruction.indices());
    MemorySegment out = Memory.of(instruction.out().buffer());
    boolean accumulate = instruction.out().accumulate();
    int bits = blocks.columns();
    ThreadTeam.Task task =
        (block, _) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            int index = Memory.intAt(indices, row);
            for (int h = 0; h < bits; h++) {
              long at = (long) row * bits + h;
              float bit = (index >> h & 1) == 1 ? 1 : -1;
              float before = accumulate ? Memory.floatAt(out, at) : 0;
              out.setAtIndex(Memory.FLOAT, at, before + bit);
            }
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }
}
