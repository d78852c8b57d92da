package org.freetransformer.gpu;

import java.util.function.ToIntFunction;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.AdamW;
import org.freetransformer.tensor.device.Instruction.Affine;
import org.freetransformer.tensor.device.Instruction.Binary;
import org.freetransformer.tensor.device.Instruction.Copy;
import org.freetransformer.tensor.device.Instruction.Dropout;
import org.freetransformer.tensor.device.Instruction.Fill;
import org.freetransformer.tensor.device.Instruction.Random;
import org.freetransformer.tensor.device.Instruction.Select;
import org.freetransformer.tensor.device.Instruction.Unary;
import org.freetransformer.tensor.device.Instruction.UnaryBackward;
import org.freetransformer.tensor.device.Output;

/** Lowers instructions that take each element for itself. */
final class ElementwiseLowering extends FamilyLowering {
  ElementwiseLowering(ToIntFunction<Buffer> places, ToIntFunction<Float> constants) {
    super(places, constants);
  }

  Launch fill(Fill op) {
    Buffer out = op.out();
    Args args = new Args().dims(out.layout()).view(at(out), out.layout());
    if (out.dtype() == DType.I32) {
      args.add((int) op.value());
      return Launch.perItem(ElementwiseKernels::fillInts, size(out), args, 0, 0);
    }
    requireFloats(out);
    return Launch.perItem(ElementwiseKernels::fillFloats, size(out), args, op.value(), 0);
  }

  Launch copy(Copy op) {
    Args args = elementwise(op.out(), op.in());
    boolean fromInts = isInts(op.in());
    boolean toInts = isInts(op.out().buffer());
    int size = size(op.out().buffer());
    if (fromInts) {
      return toInts
          ? Launch.perItem(ElementwiseKernels::copyInts, size, args, 0, 0)
          : Launch.perItem(ElementwiseKernels::intsToFloats, size, args, 0, 0);
    }
    if (isHalf(op.out().buffer())) {
      args.add(type(op.out().buffer()), type(op.in()));
      return CastLowering.toHalves(size, args);
    }
    return toInts
        ? Launch.perItem(ElementwiseKernels::floatsToInts, size, args, 0, 0)
        : CastLowering.toFloats(size, args.add(type(op.in())));
  }

  Launch random(Random op) {
    requireFloats(op.out());
    Args args =
        new Args()
            .dims(op.out().layout())
            .view(at(op.out()), op.out().layout())
            .add(0, at(op.rng()), op.salt());
    int size = size(op.out());
    return switch (op.distribution()) {
      case UNIFORM -> Launch.perItem(RandomKernels::uniforms, size, args, op.a(), op.b());
      case NORMAL -> Launch.perItem(RandomKernels::normals, size, args, op.a(), op.b());
    };
  }

  Launch affine(Affine op) {
    requireFloats(op.in(), op.out().buffer());
    Args args = elementwise(op.out(), op.in());
    int size = size(op.out().buffer());
    return Launch.perItem(ElementwiseKernels::affine, size, args, op.scale(), op.shift());
  }

  Launch unary(Unary op) {
    requireFloats(op.in(), op.out().buffer());
    Args args = elementwise(op.out(), op.in()).add(code(op.function()));
    return Launch.perItem(ElementwiseKernels::unary, size(op.out().buffer()), args, 0, 0);
  }

  Launch unaryBackward(UnaryBackward op) {
    requireFloats(op.x(), op.dy(), op.dx().buffer());
    Args args = elementwise(op.dx(), op.x(), op.dy()).add(code(op.function()));
    return Launch.perItem(ElementwiseKernels::unaryBackward, size(op.dx().buffer()), args, 0, 0);
  }

  Launch binary(Binary op) {
    requireFloats(op.out().buffer());
    Args args = elementwise(op.out(), op.a(), op.b()).add(code(op.function()));
    int size = size(op.out().buffer());
    if (op.a().dtype() == DType.I32 && op.function().isComparison()) {
      return Launch.perItem(ElementwiseKernels::compareInts, size, args, 0, 0);
    }
    requireFloats(op.a(), op.b());
    return Launch.perItem(ElementwiseKernels::binary, size, args, 0, 0);
  }

  Launch select(Select op) {
    requireFloats(op.condition(), op.a(), op.b(), op.out().buffer());
    Args args = elementwise(op.out(), op.condition(), op.a(), op.b());
    return Launch.perItem(ElementwiseKernels::choose, size(op.out().buffer()), args, 0, 0);
  }

  Launch dropout(Dropout op) {
    requireFloats(op.in(), op.out().buffer());
    Args args = elementwise(op.out(), op.in()).add(at(op.rng()), op.salt());
    int size = size(op.out().buffer());
    return Launch.perItem(RandomKernels::dropout, size, args, op.rate(), 1 / (1 - op.rate()));
  }

  private Args elementwise(Output out, Buffer... in) {
    Layout layout = out.buffer().layout();
    Args args = new Args().dims(layout).view(at(out.buffer()), layout);
    for (Buffer buffer : in) {
      args.view(at(buffer), buffer.layout());
    }
    return args.add(out.accumulate());
  }

  Launch adamW(AdamW op) {
    requireFloats(op.parameter(), op.gradient(), op.firstMoment(), op.secondMoment());
    requireFloats(op.schedule(), op.gradientScale());
    int size = size(op.parameter());
    Args args = new Args().add(size, at(op.parameter()), at(op.gradient()));
    args.add(at(op.firstMoment()), at(op.secondMoment()), at(op.schedule()));
    args.add(at(op.gradientScale()));
    args.add(constant(op.beta1()), constant(op.beta2()), constant(op.epsilon()));
    args.add(constant(op.weightDecay()), constant(1 - op.beta1()), constant(1 - op.beta2()));
    return Launch.perItem(AdamWKernels::update, size, args, 0, 0);
  }
}
