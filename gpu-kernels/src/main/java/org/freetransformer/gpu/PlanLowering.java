package org.freetransformer.gpu;

import java.util.function.ToIntFunction;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.BernoulliKl;
import org.freetransformer.tensor.device.Instruction.BernoulliKlBackward;
import org.freetransformer.tensor.device.Instruction.BinaryMapperBackward;
import org.freetransformer.tensor.device.Instruction.PlanBits;
import org.freetransformer.tensor.device.Instruction.SamplePlan;

/** Lowers the latent plan. */
final class PlanLowering extends FamilyLowering {
  PlanLowering(ToIntFunction<Buffer> places, ToIntFunction<Float> constants) {
    super(places, constants);
  }

  Launch samplePlan(SamplePlan op) {
    requireFloats(op.logits());
    int rows = op.logits().dim(0);
    Args args = new Args().add(rows, op.logits().dim(1), at(op.logits()), at(op.indices()));
    args.add(op.rng() == null ? ABSENT : at(op.rng()), op.salt());
    return Launch.perItem(PlanKernels::sample, rows, args, 0, 0);
  }

  Launch planBits(PlanBits op) {
    Buffer out = op.out().buffer();
    requireFloats(out);
    Args args = new Args().add(size(out), out.dim(-1), at(op.indices()), at(out));
    return Launch.perItem(PlanKernels::bits, size(out), args.add(op.out().accumulate()), 0, 0);
  }

  /** Over the drawn plans. */
  Launch ofDrawnPlans(BinaryMapperBackward op) {
    int rows = op.logits().dim(0);
    return Launch.perGroup(BinaryMapperKernels::sampled, rows, mapperArgs(op), 0, 0);
  }

  /** Over all plans, for some rows whose products with the table are there. */
  Launch ofAllPlans(BinaryMapperBackward op, int firstRow, int rows, int products) {
    Args args = mapperArgs(op).add(firstRow, products);
    return Launch.perGroup(BinaryMapperKernels::full, rows, args, 0, 0);
  }

  private Args mapperArgs(BinaryMapperBackward op) {
    requireFloats(op.logits(), op.dr(), op.table(), op.dlogits().buffer());
    Args args = new Args().add(op.logits().dim(1), op.dr().dim(1));
    args.add(at(op.logits()), at(op.indices()), at(op.dr()), at(op.table()));
    return args.add(at(op.dlogits().buffer())).add(op.dlogits().accumulate());
  }

  Launch bernoulliKl(BernoulliKl op) {
    requireFloats(op.logits(), op.kl().buffer());
    int rows = op.logits().dim(0);
    Args args = new Args().add(rows, op.logits().dim(1), at(op.logits()), at(op.kl().buffer()));
    return Launch.perItem(PlanKernels::kl, rows, args.add(op.kl().accumulate()), 0, 0);
  }

  Launch bernoulliKlBackward(BernoulliKlBackward op) {
    requireFloats(op.logits(), op.dkl(), op.dlogits().buffer());
    int size = size(op.logits());
    Args args = new Args().add(size, op.logits().dim(1), at(op.logits()), at(op.dkl()));
    args.add(at(op.dlogits().buffer())).add(op.dlogits().accumulate());
    return Launch.perItem(PlanKernels::klBackward, size, args, 0, 0);
  }
}
