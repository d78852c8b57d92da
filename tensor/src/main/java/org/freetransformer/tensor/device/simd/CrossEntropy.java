package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Indices;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/** Softmax cross-entropy of rows of logits, and the gradient. */
final class CrossEntropy {
  private CrossEntropy() {}

  static Kernel forward(Instruction.CrossEntropy instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.logits());
    MemorySegment logits = Memory.of(instruction.logits());
    MemorySegment targets = Memory.of(instruction.targets());
    MemorySegment losses = Memory.of(instruction.losses());
    MemorySegment lses = Memory.of(instruction.lse());
    int ignored = instruction.ignoreIndex();
    int classes = blocks.columns();
    ThreadTeam.Task task =
        (block, _) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            long start = blocks.start(row);
            float max = LogSumExp.max(logits, start, classes);
            float sum = LogSumExp.sum(logits, start, classes, max);
            float rest = (float) Math.log(sum);
            lses.setAtIndex(Memory.FLOAT, row, max + rest);
            int target = Memory.intAt(targets, row);
            float loss =
                target == ignored
                    ? 0
                    : max
                        - logits.get(
                            Memory.FLOAT, start + 4L * Indices.target(target, row, classes))
                        + rest;
            losses.setAtIndex(Memory.FLOAT, row, loss);
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  static Kernel backward(Instruction.CrossEntropyBackward instruction, Workers workers) {
    RowBlocks blocks = RowBlocks.of(instruction.logits());
    MemorySegment logits = Memory.of(instruction.logits());
    MemorySegment targets = Memory.of(instruction.targets());
    MemorySegment lses = Memory.of(instruction.lse());
    MemorySegment dlosses = Memory.of(instruction.dlosses());
    MemorySegment dlogits = Memory.of(instruction.dlogits().buffer());
    boolean accumulate = instruction.dlogits().accumulate();
    int ignored = instruction.ignoreIndex();
    int classes = blocks.columns();
    ThreadTeam.Task task =
        (block, _) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            long start = blocks.start(row);
            int target = Memory.intAt(targets, row);
            if (target == ignored) {
              if (!accumulate) {
                dlogits.asSlice(start, 4L * classes).fill((byte) 0);
              }
              continue;
            }
            float factor = Memory.floatAt(dlosses, row);
            probabilities(
                logits, dlogits, start, classes, Memory.floatAt(lses, row), factor, accumulate);
            long at = start + 4L * Indices.target(target, row, classes);
            dlogits.set(Memory.FLOAT, at, dlogits.get(Memory.FLOAT, at) - factor);
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  private static void probabilities(
      MemorySegment logits,
      MemorySegment dlogits,
      long start,
      int n,
      float lse,
      float factor,
      boolean accumulate) {
    int whole = Lanes.whole(n);
    probabilitiesWhole(logits, dlogits, start, whole, lse, factor, accumulate);
    if (whole < n) {
      probabilitiesTail(logits, dlogits, start + 4L * whole, n - whole, lse, factor, accumulate);
    }
  }

  static void probabilitiesWhole(
      MemorySegment logits,
      MemorySegment dlogits,
      long start,
      int n,
      float lse,
      float factor,
      boolean accumulate) {
    FloatVector shift = Lanes.all(lse);
    FloatVector scale = Lanes.all(factor);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector p = VectorMath.expOfNegative(Lanes.load(logits, at).sub(shift)).mul(scale);
      Lanes.put(p, accumulate, dlogits, at);
    }
  }

  private static void probabilitiesTail(
      MemorySegment logits,
      MemorySegment dlogits,
      long at,
      int n,
      float lse,
      float factor,
      boolean accumulate) {
    VectorMask<Float> mask = Lanes.mask(0, n);
    FloatVector p = VectorMath.expOfNegative(Lanes.load(logits, at, mask).sub(lse)).mul(factor);
    Lanes.put(p, accumulate, dlogits, at, mask);
  }
}
