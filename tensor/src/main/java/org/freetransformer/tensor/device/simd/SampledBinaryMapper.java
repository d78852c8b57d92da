package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Indices;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;

/** The binary mapper's gradient at the sampled plan alone: one row of the table per position. */
final class SampledBinaryMapper {
  private SampledBinaryMapper() {}

  static Kernel of(Instruction.BinaryMapperBackward instruction, Workers workers) {
    MemorySegment logits = Memory.of(instruction.logits());
    MemorySegment indices = Memory.of(instruction.indices());
    MemorySegment dr = Memory.of(instruction.dr());
    MemorySegment table = Memory.of(instruction.table());
    MemorySegment dlogits = Memory.of(instruction.dlogits().buffer());
    boolean accumulate = instruction.dlogits().accumulate();
    int bits = instruction.logits().dim(-1);
    int plans = instruction.table().dim(0);
    RowBlocks blocks = RowBlocks.of(instruction.dr());
    ThreadTeam.Task task =
        (block, _) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            int plan = Indices.plan(Memory.intAt(indices, row), row, plans);
            float gain = dot(dr, blocks.start(row), table, blocks.start(plan), blocks.columns());
            long first = (long) row * bits;
            double weight = gain * probability(logits, first, bits, plan);
            for (int h = 0; h < bits; h++) {
              float logit = Memory.floatAt(logits, first + h);
              double slope = (plan >> h & 1) == 1 ? sigmoid(-logit) : -sigmoid(logit);
              float before = accumulate ? Memory.floatAt(dlogits, first + h) : 0;
              dlogits.setAtIndex(Memory.FLOAT, first + h, (float) (before + weight * slope));
            }
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  private static double probability(MemorySegment logits, long first, int bits, int plan) {
    double probability = 1;
    for (int h = 0; h < bits; h++) {
      float logit = Memory.floatAt(logits, first + h);
      probability *= sigmoid((plan >> h & 1) == 1 ? logit : -logit);
    }
    return probability;
  }

  private static double sigmoid(double x) {
    return UnaryFunction.SIGMOID.value(x);
  }

  private static float dot(MemorySegment a, long aStart, MemorySegment b, long bStart, int n) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      FloatVector x = Lanes.load(a, aStart + 4L * i, mask);
      sum = x.fma(Lanes.load(b, bStart + 4L * i, mask), sum);
    }
    return Lanes.sum(sum);
  }
}
