package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.device.Draws;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * Plan indices drawn from their bits' logits, and back to bits. A few numbers per position: plain
 * loops, in double precision as on the scalar device, so that both draw the same plan.
 */
final class Plans {
  private Plans() {}

  static Kernel sample(Instruction.SamplePlan instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.logits());
    MemorySegment logits = Memory.of(instruction.logits());
    MemorySegment indices = Memory.of(instruction.indices());
    int bits = blocks.columns();
    @Nullable Draws draws =
        instruction.rng() == null ? null : new Draws(instruction.rng(), instruction.salt());
    int[][] words = new int[workers.size()][Draws.BLOCK];
    ThreadTeam.Task task =
        (block, worker) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            long first = (long) row * bits;
            int index =
                draws == null
                    ? likeliest(logits, first, bits)
                    : drawn(logits, first, bits, draws, words[worker]);
            indices.setAtIndex(Memory.INT, row, index);
          }
        };
    return () -> {
      if (draws != null) {
        draws.refresh();
      }
      workers.run(blocks.count(), blocks.elements(), task);
    };
  }

  private static int drawn(MemorySegment logits, long first, int bits, Draws draws, int[] words) {
    int index = 0;
    for (int h = 0; h < bits; h++) {
      double probability = 1 / (1 + Math.exp(-Memory.floatAt(logits, first + h)));
      if (draws.uniform(first + h, words) < probability) {
        index |= 1 << h;
      }
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
