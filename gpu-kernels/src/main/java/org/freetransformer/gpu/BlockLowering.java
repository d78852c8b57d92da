package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.CrossEntropy;
import org.freetransformer.tensor.device.Instruction.CrossEntropyBackward;
import org.freetransformer.tensor.device.Instruction.RmsNorm;
import org.freetransformer.tensor.device.Instruction.RmsNormBackward;
import org.freetransformer.tensor.device.Instruction.Rope;
import org.freetransformer.tensor.device.Instruction.Softmax;
import org.freetransformer.tensor.device.Instruction.SoftmaxBackward;
import org.freetransformer.tensor.device.Instruction.SwiGlu;
import org.freetransformer.tensor.device.Instruction.SwiGluBackward;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/** Lowers the parts of a transformer block but attention, and the loss. */
final class BlockLowering extends FamilyLowering {
  BlockLowering(ToIntFunction<Buffer> places, ToIntFunction<Float> constants) {
    super(places, constants);
  }

  Launch softmax(Softmax op) {
    Buffer out = op.out().buffer();
    requireFloats(op.in(), out);
    Args args = new Args().add(out.dim(-1), at(op.in()), at(out));
    args.add(op.logarithm()).add(op.out().accumulate());
    return Launch.perGroup(SoftmaxKernels::softmax, rowsOf(out), args, 0, 0);
  }

  Launch softmaxBackward(SoftmaxBackward op) {
    Buffer dx = op.dx().buffer();
    requireFloats(op.y(), op.dy(), dx);
    Args args = new Args().add(dx.dim(-1), at(op.y()), at(op.dy()), at(dx));
    args.add(op.logarithm()).add(op.dx().accumulate());
    return Launch.perGroup(SoftmaxKernels::softmaxBackward, rowsOf(dx), args, 0, 0);
  }

  Launch rmsNorm(RmsNorm op) {
    Buffer out = op.out().buffer();
    requireFloats(op.x(), op.weight(), out, op.rstd());
    Args args = new Args().add(out.dim(-1), at(op.x()), at(op.weight()), at(out), at(op.rstd()));
    args.add(op.out().accumulate());
    return Launch.perGroup(NormKernels::rmsNorm, rowsOf(out), args, op.epsilon(), 0);
  }

  List<Launch> rmsNormBackward(RmsNormBackward op) {
    requireFloats(op.x(), op.weight(), op.rstd(), op.dy());
    int columns = op.x().dim(-1);
    List<Launch> launches = new ArrayList<>();
    if (op.dx() != null) {
      Args args = new Args().add(columns, at(op.x()), at(op.weight()), at(op.rstd()), at(op.dy()));
      args.add(at(op.dx().buffer())).add(op.dx().accumulate());
      launches.add(Launch.perGroup(NormKernels::backwardToInput, rowsOf(op.x()), args, 0, 0));
    }
    if (op.dweight() != null) {
      Args args = new Args().add(columns, at(op.x()), rowsOf(op.x()), at(op.rstd()), at(op.dy()));
      args.add(at(op.dweight().buffer())).add(op.dweight().accumulate());
      launches.add(Launch.perGroup(NormKernels::backwardToWeight, columns, args, 0, 0));
    }
    return launches;
  }

  Launch rope(Rope op) {
    Buffer out = op.out().buffer();
    requireFloats(op.x(), op.table(), out);
    int pairs = size(out) / 2;
    Args args = new Args().add(pairs, out.dim(1), out.dim(2), out.dim(3) / 2);
    place(args, op.x());
    place(args, out);
    Layout positions = op.positions().layout();
    args.add(at(op.positions()), stride(positions, 0), stride(positions, 1), at(op.table()));
    args.add(op.inverse()).add(op.out().accumulate());
    return Launch.perItem(RopeKernels::rope, pairs, args, 0, 0);
  }

  Launch swiGlu(SwiGlu op) {
    Buffer out = op.out().buffer();
    requireFloats(op.gate(), op.up(), out);
    Args args = new Args().add(size(out), at(op.gate()), at(op.up()), at(out));
    return Launch.perItem(SwiGluKernels::swiGlu, size(out), args.add(op.out().accumulate()), 0, 0);
  }

  Launch swiGluBackward(SwiGluBackward op) {
    requireFloats(op.gate(), op.up(), op.dy());
    Args args = new Args().add(size(op.dy()), at(op.gate()), at(op.up()), at(op.dy()));
    optional(args, op.dgate());
    optional(args, op.dup());
    return Launch.perItem(SwiGluKernels::backward, size(op.dy()), args, 0, 0);
  }

  private void optional(Args args, @Nullable Output output) {
    if (output == null) {
      args.add(ABSENT, 0);
    } else {
      args.add(at(output.buffer())).add(output.accumulate());
    }
  }

  Launch crossEntropy(CrossEntropy op) {
    requireFloats(op.logits(), op.losses(), op.lse());
    Args args = new Args().add(op.logits().dim(-1), at(op.logits()), at(op.targets()));
    args.add(op.ignoreIndex(), at(op.losses()), at(op.lse()));
    return Launch.perGroup(SoftmaxKernels::crossEntropy, size(op.targets()), args, 0, 0);
  }

  Launch crossEntropyBackward(CrossEntropyBackward op) {
    Buffer out = op.dlogits().buffer();
    requireFloats(op.logits(), op.lse(), op.dlosses(), out);
    Args args = new Args().add(op.logits().dim(-1), at(op.logits()), at(op.targets()));
    args.add(op.ignoreIndex(), at(op.lse()), at(op.dlosses()), at(out));
    args.add(op.dlogits().accumulate()).add(size(out));
    return Launch.perItem(SoftmaxKernels::crossEntropyBackward, size(out), args, 0, 0);
  }
}
