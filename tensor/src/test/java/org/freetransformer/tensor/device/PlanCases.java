package org.freetransformer.tensor.device;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction.BernoulliKl;
import org.freetransformer.tensor.device.Instruction.BernoulliKlBackward;
import org.freetransformer.tensor.device.Instruction.BinaryMapperBackward;
import org.freetransformer.tensor.device.Instruction.PlanBits;
import org.freetransformer.tensor.device.Instruction.SamplePlan;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.jspecify.annotations.Nullable;

/** Random instructions of the latent plan. */
final class PlanCases {
  private PlanCases() {}

  static Case samplePlan(Operands o) {
    int rows = o.count(131);
    int bits = o.between(1, 20);
    DType dtype = o.floating();
    Buffer logits = o.of(dtype, o.contiguous(rows, bits), o.logits((long) rows * bits));
    @Nullable Buffer rng = o.chance(0.3) ? null : o.rng();
    Buffer indices = o.blank(DType.I32, o.contiguous(rows));
    return new Case(new SamplePlan(logits, rng, o.between(0, 1 << 20), indices), 0);
  }

  static Case planBits(Operands o) {
    int rows = o.count(131);
    int bits = o.between(1, 20);
    DType dtype = o.floating();
    Buffer indices = o.of(DType.I32, o.contiguous(rows), o.integers(rows, 0, (1 << bits) - 1));
    return new Case(new PlanBits(indices, o.output(dtype, o.contiguous(rows, bits))), 1);
  }

  static Case binaryMapperBackward(Operands o) {
    int bits = o.between(1, 8);
    int rows = o.count(33);
    int columns = o.size(65);
    if (o.chance(0.1)) {
      bits = o.between(9, 12);
      rows = o.count(5);
      columns = o.size(17);
    }
    DType dtype = o.floating();
    int plans = 1 << bits;
    Buffer logits = o.of(dtype, o.contiguous(rows, bits), o.logits((long) rows * bits));
    Buffer indices = o.of(DType.I32, o.contiguous(rows), o.integers(rows, 0, plans - 1));
    Buffer dr = o.of(dtype, o.contiguous(rows, columns));
    Buffer table = o.of(dtype, o.contiguous(plans, columns));
    Output dlogits = o.output(dtype, o.contiguous(rows, bits));
    return new Case(
        new BinaryMapperBackward(logits, indices, dr, table, o.chance(0.7), dlogits),
        32 + columns + 8 * bits);
  }

  static Case bernoulliKl(Operands o) {
    int rows = o.count(131);
    int bits = o.between(1, 20);
    DType dtype = o.floating();
    Buffer logits = o.of(dtype, o.contiguous(rows, bits), o.logits((long) rows * bits));
    return new Case(new BernoulliKl(logits, o.output(dtype, o.contiguous(rows))), 8 + 4 * bits);
  }

  static Case bernoulliKlBackward(Operands o) {
    int rows = o.count(131);
    int bits = o.between(1, 20);
    DType dtype = o.floating();
    Buffer logits = o.of(dtype, o.contiguous(rows, bits), o.logits((long) rows * bits));
    Buffer dkl = o.of(dtype, o.contiguous(rows));
    Output dlogits = o.output(dtype, o.contiguous(rows, bits));
    return new Case(new BernoulliKlBackward(logits, dkl, dlogits), 16);
  }
}
