package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongToIntFunction;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.AdamW;
import org.freetransformer.tensor.device.Instruction.Affine;
import org.freetransformer.tensor.device.Instruction.Attention;
import org.freetransformer.tensor.device.Instruction.AttentionBackward;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.Instruction.BernoulliKl;
import org.freetransformer.tensor.device.Instruction.BernoulliKlBackward;
import org.freetransformer.tensor.device.Instruction.Binary;
import org.freetransformer.tensor.device.Instruction.BinaryMapperBackward;
import org.freetransformer.tensor.device.Instruction.Copy;
import org.freetransformer.tensor.device.Instruction.CrossEntropy;
import org.freetransformer.tensor.device.Instruction.CrossEntropyBackward;
import org.freetransformer.tensor.device.Instruction.Dropout;
import org.freetransformer.tensor.device.Instruction.Fill;
import org.freetransformer.tensor.device.Instruction.Gather;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Instruction.PlanBits;
import org.freetransformer.tensor.device.Instruction.Random;
import org.freetransformer.tensor.device.Instruction.Reduce;
import org.freetransformer.tensor.device.Instruction.RmsNorm;
import org.freetransformer.tensor.device.Instruction.RmsNormBackward;
import org.freetransformer.tensor.device.Instruction.Rope;
import org.freetransformer.tensor.device.Instruction.SamplePlan;
import org.freetransformer.tensor.device.Instruction.ScatterAdd;
import org.freetransformer.tensor.device.Instruction.ScatterRows;
import org.freetransformer.tensor.device.Instruction.Select;
import org.freetransformer.tensor.device.Instruction.Softmax;
import org.freetransformer.tensor.device.Instruction.SoftmaxBackward;
import org.freetransformer.tensor.device.Instruction.SwiGlu;
import org.freetransformer.tensor.device.Instruction.SwiGluBackward;
import org.freetransformer.tensor.device.Instruction.Unary;
import org.freetransformer.tensor.device.Instruction.UnaryBackward;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/**
 * Turns instructions into kernel launches: one each, or one for each gradient that is wanted.
 * Products read numbers of 16 bits as they are, and so do casts; for every other instruction, and
 * for a product's result, there are f32 ones at the heap's end, cast before and back behind it.
 *
 * @param places the word at which a buffer's storage begins in its heap
 * @param constants the word at which a constant stands among the floats
 * @param scratch gives the first of so many words among the floats, for one instruction
 */
record Lowering(
    ToIntFunction<Buffer> places, ToIntFunction<Float> constants, LongToIntFunction scratch) {
  /** In place of an operand that is not there. */
  private static final int ABSENT = -1;

  /**
   * The launches of an instruction, in order; none if it has nothing to compute.
   *
   * @throws UnsupportedOperationException if a kernel for its types or sizes is missing
   */
  List<Launch> launches(Instruction instruction) {
    List<Buffer> read =
        instruction.reads().stream().filter(isCast(instruction)).distinct().toList();
    List<Buffer> written =
        instruction.writes().stream().filter(isCast(instruction)).distinct().toList();
    Map<Buffer, Long> offsets = new LinkedHashMap<>();
    long words = 0;
    for (Buffer buffer : Stream.concat(read.stream(), written.stream()).distinct().toList()) {
      offsets.put(buffer, words);
      words += buffer.layout().end();
    }
    int start = words == 0 ? 0 : scratch.applyAsInt(words);
    ToIntFunction<Buffer> staged =
        buffer -> {
          Long offset = offsets.get(buffer);
          return offset == null ? places.applyAsInt(buffer) : start + Math.toIntExact(offset);
        };
    List<Launch> launches = new ArrayList<>();
    read.forEach(buffer -> launches.add(cast(buffer, staged.applyAsInt(buffer), true)));
    launches.addAll(new Lowering(staged, constants, scratch).direct(instruction));
    written.forEach(buffer -> launches.add(cast(buffer, staged.applyAsInt(buffer), false)));
    return launches.stream().filter(launch -> launch.groups() > 0).toList();
  }

  /** Whether a buffer must be f32 while an instruction runs, and is not. */
  private static Predicate<Buffer> isCast(Instruction instruction) {
    return switch (instruction) {
      case MatMul op -> buffer -> isHalf(buffer) && buffer.equals(op.out().buffer());
      case Copy op when op.in().dtype().isFloating() && op.out().buffer().dtype().isFloating() ->
          _ -> false;
      default -> Lowering::isHalf;
    };
  }

  /** Between a buffer of 16-bit numbers and floats at a place, of the same layout. */
  private Launch cast(Buffer half, int place, boolean toFloats) {
    Layout layout = half.layout();
    int at = place + Math.toIntExact(layout.offset());
    Args args = new Args().dims(layout);
    args.view(toFloats ? at : at(half), layout).view(toFloats ? at(half) : at, layout);
    args.add(0);
    return toFloats
        ? Launch.items(CastKernels::toFloats, size(half), args.add(type(half)), 0, 0)
        : Launch.items(CastKernels::toHalves, size(half), args.add(type(half), Halves.F32), 0, 0);
  }

  private static boolean isHalf(Buffer buffer) {
    return buffer.dtype() == DType.BF16 || buffer.dtype() == DType.F16;
  }

  private static int type(Buffer buffer) {
    return switch (buffer.dtype()) {
      case BF16 -> Halves.BF16;
      case F16 -> Halves.F16;
      default -> Halves.F32;
    };
  }

  private List<Launch> direct(Instruction instruction) {
    List<Launch> launches =
        switch (instruction) {
          case Fill op -> List.of(fill(op));
          case Copy op -> List.of(copy(op));
          case Random op -> List.of(random(op));
          case Affine op -> List.of(affine(op));
          case Unary op -> List.of(unary(op));
          case UnaryBackward op -> List.of(unaryBackward(op));
          case Binary op -> List.of(binary(op));
          case Select op -> List.of(select(op));
          case Dropout op -> List.of(dropout(op));
          case Reduce op -> List.of(reduce(op));
          case MatMul op -> List.of(matMul(op));
          case Gather op -> List.of(gather(op));
          case ScatterAdd op -> List.of(scatterAdd(op));
          case ScatterRows op -> List.of(scatterRows(op));
          case Softmax op -> List.of(softmax(op));
          case SoftmaxBackward op -> List.of(softmaxBackward(op));
          case RmsNorm op -> List.of(rmsNorm(op));
          case RmsNormBackward op -> rmsNormBackward(op);
          case Rope op -> List.of(rope(op));
          case SwiGlu op -> List.of(swiGlu(op));
          case SwiGluBackward op -> List.of(swiGluBackward(op));
          case Attention op -> List.of(attention(op));
          case AttentionBackward op -> attentionBackward(op);
          case CrossEntropy op -> List.of(crossEntropy(op));
          case CrossEntropyBackward op -> List.of(crossEntropyBackward(op));
          case SamplePlan op -> List.of(samplePlan(op));
          case PlanBits op -> List.of(planBits(op));
          case BinaryMapperBackward op -> List.of(binaryMapperBackward(op));
          case BernoulliKl op -> List.of(bernoulliKl(op));
          case BernoulliKlBackward op -> List.of(bernoulliKlBackward(op));
          case AdamW op -> List.of(adamW(op));
          default ->
              throw new UnsupportedOperationException(
                  "the GPU device has no kernel for " + instruction.getClass().getSimpleName());
        };
    return launches.stream().filter(launch -> launch.groups() > 0).toList();
  }

  // ---- Elementwise ----

  private Launch fill(Fill op) {
    Buffer out = op.out();
    Args args = new Args().dims(out.layout()).view(at(out), out.layout());
    if (out.dtype() == DType.I32) {
      args.add((int) op.value());
      return Launch.items(ElementwiseKernels::fillInts, size(out), args, 0, 0);
    }
    requireFloats(out);
    return Launch.items(ElementwiseKernels::fillFloats, size(out), args, op.value(), 0);
  }

  private Launch copy(Copy op) {
    Args args = elementwise(op.out(), op.in());
    boolean fromInts = isInts(op.in());
    boolean toInts = isInts(op.out().buffer());
    int size = size(op.out().buffer());
    if (fromInts) {
      return toInts
          ? Launch.items(ElementwiseKernels::copyInts, size, args, 0, 0)
          : Launch.items(ElementwiseKernels::intsToFloats, size, args, 0, 0);
    }
    if (isHalf(op.out().buffer())) {
      args.add(type(op.out().buffer()), type(op.in()));
      return Launch.items(CastKernels::toHalves, size, args, 0, 0);
    }
    return toInts
        ? Launch.items(ElementwiseKernels::floatsToInts, size, args, 0, 0)
        : Launch.items(CastKernels::toFloats, size, args.add(type(op.in())), 0, 0);
  }

  private Launch random(Random op) {
    requireFloats(op.out());
    Args args =
        new Args()
            .dims(op.out().layout())
            .view(at(op.out()), op.out().layout())
            .add(0, at(op.rng()), op.salt());
    int size = size(op.out());
    return switch (op.distribution()) {
      case UNIFORM -> Launch.items(RandomKernels::uniforms, size, args, op.a(), op.b());
      case NORMAL -> Launch.items(RandomKernels::normals, size, args, op.a(), op.b());
    };
  }

  private Launch affine(Affine op) {
    requireFloats(op.in(), op.out().buffer());
    Args args = elementwise(op.out(), op.in());
    int size = size(op.out().buffer());
    return Launch.items(ElementwiseKernels::affine, size, args, op.scale(), op.shift());
  }

  private Launch unary(Unary op) {
    requireFloats(op.in(), op.out().buffer());
    Args args = elementwise(op.out(), op.in()).add(code(op.function()));
    return Launch.items(ElementwiseKernels::unary, size(op.out().buffer()), args, 0, 0);
  }

  private Launch unaryBackward(UnaryBackward op) {
    requireFloats(op.x(), op.dy(), op.dx().buffer());
    Args args = elementwise(op.dx(), op.x(), op.dy()).add(code(op.function()));
    return Launch.items(ElementwiseKernels::unaryBackward, size(op.dx().buffer()), args, 0, 0);
  }

  private Launch binary(Binary op) {
    requireFloats(op.out().buffer());
    Args args = elementwise(op.out(), op.a(), op.b()).add(code(op.function()));
    int size = size(op.out().buffer());
    if (op.a().dtype() == DType.I32 && op.function().isComparison()) {
      return Launch.items(ElementwiseKernels::compareInts, size, args, 0, 0);
    }
    requireFloats(op.a(), op.b());
    return Launch.items(ElementwiseKernels::binary, size, args, 0, 0);
  }

  private Launch select(Select op) {
    requireFloats(op.condition(), op.a(), op.b(), op.out().buffer());
    Args args = elementwise(op.out(), op.condition(), op.a(), op.b());
    return Launch.items(ElementwiseKernels::choose, size(op.out().buffer()), args, 0, 0);
  }

  private Launch dropout(Dropout op) {
    requireFloats(op.in(), op.out().buffer());
    Args args = elementwise(op.out(), op.in()).add(at(op.rng()), op.salt());
    int size = size(op.out().buffer());
    return Launch.items(RandomKernels::dropout, size, args, op.rate(), 1 / (1 - op.rate()));
  }

  private Args elementwise(Output out, Buffer... in) {
    Layout layout = out.buffer().layout();
    Args args = new Args().dims(layout).view(at(out.buffer()), layout);
    for (Buffer buffer : in) {
      args.view(at(buffer), buffer.layout());
    }
    return args.add(out.accumulate());
  }

  // ---- Reductions, products, rows ----

  private Launch reduce(Reduce op) {
    Buffer out = op.out().buffer();
    requireFloats(op.in(), out);
    Layout from = op.in().layout();
    int rank = from.shape().rank();
    int[] kept = from.shape().toArray();
    int[] reduced = new int[Views.RANK];
    int[] strides = new int[Views.RANK];
    int count = 1;
    for (int axis = 0; axis < Views.RANK; axis++) {
      int there = axis - (Views.RANK - rank);
      reduced[axis] = 1;
      if (there >= 0 && out.dim(there) == 1 && kept[there] != 1) {
        reduced[axis] = kept[there];
        strides[axis] = Math.toIntExact(from.stride(there));
        count *= kept[there];
        kept[there] = 1;
      }
    }
    Args args = new Args().dims(out.layout()).view(at(out), out.layout());
    args.view(at(op.in()), firsts(from, kept));
    args.add(op.out().accumulate()).add(code(op.function()), count);
    return Launch.groups(ReduceKernels::reduce, size(out), args.add(reduced).add(strides), 0, 0);
  }

  /** The layout with reduced axes cut to their first element. */
  private static Layout firsts(Layout layout, int[] kept) {
    Layout cut = layout;
    for (int axis = 0; axis < kept.length; axis++) {
      if (layout.shape().dim(axis) > 0) {
        cut = cut.narrow(axis, 0, kept[axis]);
      }
    }
    return cut;
  }

  private Launch matMul(MatMul op) {
    Buffer out = op.out().buffer();
    requireFloats(op.a(), op.b(), out);
    int rank = out.shape().rank();
    if (rank > 4) {
      throw new UnsupportedOperationException(
          "the GPU device multiplies matrices of at most 2 batch dimensions, not " + out);
    }
    int outer = rank > 3 ? out.dim(-4) : 1;
    int inner = rank > 2 ? out.dim(-3) : 1;
    int m = out.dim(-2);
    int n = out.dim(-1);
    Args args = new Args().add(m, n, op.a().dim(-1), outer, inner);
    matrix(args, op.a());
    matrix(args, op.b());
    matrix(args, out);
    args.add(op.out().accumulate()).add(type(op.a()), type(op.b()));
    int tiles =
        Math.ceilDiv(m, MatMulKernels.TILE) * Math.ceilDiv(n, MatMulKernels.TILE) * outer * inner;
    float alpha = (float) op.alpha();
    return new Launch(MatMulKernels::matMul, args.toArray(), alpha, 0, tiles, MatMulKernels.GROUP);
  }

  private void matrix(Args args, Buffer buffer) {
    int rank = buffer.shape().rank();
    Layout layout = buffer.layout();
    args.add(at(buffer), stride(layout, rank - 2), stride(layout, rank - 1));
    args.add(rank > 3 ? stride(layout, rank - 4) : 0, rank > 2 ? stride(layout, rank - 3) : 0);
  }

  private static int stride(Layout layout, int axis) {
    return Math.toIntExact(layout.stride(axis));
  }

  private Launch gather(Gather op) {
    Buffer out = op.out().buffer();
    requireFloats(op.table(), out);
    Args args = rows(op.table(), op.indices(), out).add(op.out().accumulate());
    return Launch.items(RowKernels::gather, size(out), args, 0, 0);
  }

  private Launch scatterRows(ScatterRows op) {
    requireFloats(op.table(), op.source());
    Args args = rows(op.table(), op.indices(), op.source()).add(0);
    return Launch.items(RowKernels::scatter, size(op.source()), args, 0, 0);
  }

  private Launch scatterAdd(ScatterAdd op) {
    requireFloats(op.table(), op.source());
    Args args = rows(op.table(), op.indices(), op.source()).add(0);
    return Launch.groups(RowKernels::scatterAdd, size(op.indices()), args, 0, 0);
  }

  private Args rows(Buffer table, Buffer indices, Buffer other) {
    return new Args()
        .add(size(indices), table.dim(1), table.dim(0), at(table), at(indices), at(other));
  }

  // ---- Transformer blocks ----

  private Launch softmax(Softmax op) {
    Buffer out = op.out().buffer();
    requireFloats(op.in(), out);
    Args args = new Args().add(out.dim(-1), at(op.in()), at(out));
    args.add(op.logarithm()).add(op.out().accumulate());
    return Launch.groups(SoftmaxKernels::softmax, rowsOf(out), args, 0, 0);
  }

  private Launch softmaxBackward(SoftmaxBackward op) {
    Buffer dx = op.dx().buffer();
    requireFloats(op.y(), op.dy(), dx);
    Args args = new Args().add(dx.dim(-1), at(op.y()), at(op.dy()), at(dx));
    args.add(op.logarithm()).add(op.dx().accumulate());
    return Launch.groups(SoftmaxKernels::softmaxBackward, rowsOf(dx), args, 0, 0);
  }

  private Launch rmsNorm(RmsNorm op) {
    Buffer out = op.out().buffer();
    requireFloats(op.x(), op.weight(), out, op.rstd());
    Args args = new Args().add(out.dim(-1), at(op.x()), at(op.weight()), at(out), at(op.rstd()));
    args.add(op.out().accumulate());
    return Launch.groups(NormKernels::rmsNorm, rowsOf(out), args, op.epsilon(), 0);
  }

  private List<Launch> rmsNormBackward(RmsNormBackward op) {
    requireFloats(op.x(), op.weight(), op.rstd(), op.dy());
    int columns = op.x().dim(-1);
    List<Launch> launches = new ArrayList<>();
    if (op.dx() != null) {
      Args args = new Args().add(columns, at(op.x()), at(op.weight()), at(op.rstd()), at(op.dy()));
      args.add(at(op.dx().buffer())).add(op.dx().accumulate());
      launches.add(Launch.groups(NormKernels::backwardToInput, rowsOf(op.x()), args, 0, 0));
    }
    if (op.dweight() != null) {
      Args args = new Args().add(columns, at(op.x()), rowsOf(op.x()), at(op.rstd()), at(op.dy()));
      args.add(at(op.dweight().buffer())).add(op.dweight().accumulate());
      launches.add(Launch.groups(NormKernels::backwardToWeight, columns, args, 0, 0));
    }
    return launches;
  }

  private Launch rope(Rope op) {
    Buffer out = op.out().buffer();
    requireFloats(op.x(), op.table(), out);
    int pairs = size(out) / 2;
    Args args = new Args().add(pairs, out.dim(1), out.dim(2), out.dim(3) / 2);
    place(args, op.x());
    place(args, out);
    Layout positions = op.positions().layout();
    args.add(at(op.positions()), stride(positions, 0), stride(positions, 1), at(op.table()));
    args.add(op.inverse()).add(op.out().accumulate());
    return Launch.items(RopeKernels::rope, pairs, args, 0, 0);
  }

  private Launch swiGlu(SwiGlu op) {
    Buffer out = op.out().buffer();
    requireFloats(op.gate(), op.up(), out);
    Args args = new Args().add(size(out), at(op.gate()), at(op.up()), at(out));
    return Launch.items(SwiGluKernels::swiGlu, size(out), args.add(op.out().accumulate()), 0, 0);
  }

  private Launch swiGluBackward(SwiGluBackward op) {
    requireFloats(op.gate(), op.up(), op.dy());
    Args args = new Args().add(size(op.dy()), at(op.gate()), at(op.up()), at(op.dy()));
    optional(args, op.dgate());
    optional(args, op.dup());
    return Launch.items(SwiGluKernels::backward, size(op.dy()), args, 0, 0);
  }

  private void optional(Args args, @Nullable Output output) {
    if (output == null) {
      args.add(ABSENT, 0);
    } else {
      args.add(at(output.buffer())).add(output.accumulate());
    }
  }

  private Launch attention(Attention op) {
    requireFloats(op.q(), op.k(), op.v(), op.out());
    Args args = attention(op.q(), op.k(), op.v(), op.rule());
    place(args, null);
    place(args, null);
    place(args, op.out());
    args.add(at(op.lse()), 0);
    int queries = op.q().dim(0) * op.q().dim(1) * op.q().dim(2);
    AttentionRule rule = op.rule();
    return Launch.groups(AttentionKernels::forward, queries, args, rule.scale(), rule.dropout());
  }

  private List<Launch> attentionBackward(AttentionBackward op) {
    requireFloats(op.q(), op.k(), op.v(), op.out(), op.dout());
    AttentionRule rule = op.rule();
    int queries = op.q().dim(0) * op.q().dim(1) * op.q().dim(2);
    int keys = op.k().dim(0) * op.k().dim(1) * op.k().dim(2);
    List<Launch> launches = new ArrayList<>();
    if (op.dq() != null) {
      Args args = backward(op, op.dq());
      launches.add(
          Launch.groups(
              AttentionKernels::backwardToQuery, queries, args, rule.scale(), rule.dropout()));
    }
    if (op.dk() != null) {
      Args args = backward(op, op.dk());
      launches.add(
          Launch.groups(AttentionKernels::backwardToKey, keys, args, rule.scale(), rule.dropout()));
    }
    if (op.dv() != null) {
      Args args = backward(op, op.dv());
      launches.add(
          Launch.groups(
              AttentionKernels::backwardToValue, keys, args, rule.scale(), rule.dropout()));
    }
    return launches;
  }

  private Args backward(AttentionBackward op, Output gradient) {
    Args args = attention(op.q(), op.k(), op.v(), op.rule());
    place(args, op.out());
    place(args, op.dout());
    place(args, gradient.buffer());
    return args.add(at(op.lse())).add(gradient.accumulate());
  }

  private Args attention(Buffer q, Buffer k, Buffer v, AttentionRule rule) {
    if (q.dim(3) > AttentionKernels.MOST_SIZE) {
      throw new UnsupportedOperationException(
          "the GPU device's attention takes heads of at most %d numbers, not %d"
              .formatted(AttentionKernels.MOST_SIZE, q.dim(3)));
    }
    Args args = new Args();
    args.add(q.dim(0), q.dim(1), k.dim(1), q.dim(2), k.dim(2), q.dim(3)).add(rule.causal());
    args.add(rule.keyLengths() == null ? ABSENT : at(rule.keyLengths()));
    args.add(rule.dropout() > 0 && rule.rng() != null ? at(rule.rng()) : ABSENT, rule.salt());
    place(args, q);
    place(args, k);
    place(args, v);
    return args;
  }

  /** Offset and strides of the first three of four dimensions; the last is dense. */
  private void place(Args args, @Nullable Buffer buffer) {
    if (buffer == null) {
      args.add(0, 0, 0, 0);
    } else {
      Layout layout = buffer.layout();
      args.add(at(buffer), stride(layout, 0), stride(layout, 1), stride(layout, 2));
    }
  }

  private Launch crossEntropy(CrossEntropy op) {
    requireFloats(op.logits(), op.losses(), op.lse());
    Args args = new Args().add(op.logits().dim(-1), at(op.logits()), at(op.targets()));
    args.add(op.ignoreIndex(), at(op.losses()), at(op.lse()));
    return Launch.groups(SoftmaxKernels::crossEntropy, size(op.targets()), args, 0, 0);
  }

  private Launch crossEntropyBackward(CrossEntropyBackward op) {
    Buffer out = op.dlogits().buffer();
    requireFloats(op.logits(), op.lse(), op.dlosses(), out);
    Args args = new Args().add(op.logits().dim(-1), at(op.logits()), at(op.targets()));
    args.add(op.ignoreIndex(), at(op.lse()), at(op.dlosses()), at(out));
    args.add(op.dlogits().accumulate()).add(size(out));
    return Launch.items(SoftmaxKernels::crossEntropyBackward, size(out), args, 0, 0);
  }

  // ---- The latent plan, the optimizer ----

  private Launch samplePlan(SamplePlan op) {
    requireFloats(op.logits());
    int rows = op.logits().dim(0);
    Args args = new Args().add(rows, op.logits().dim(1), at(op.logits()), at(op.indices()));
    args.add(op.rng() == null ? ABSENT : at(op.rng()), op.salt());
    return Launch.items(PlanKernels::sample, rows, args, 0, 0);
  }

  private Launch planBits(PlanBits op) {
    Buffer out = op.out().buffer();
    requireFloats(out);
    Args args = new Args().add(size(out), out.dim(-1), at(op.indices()), at(out));
    return Launch.items(PlanKernels::bits, size(out), args.add(op.out().accumulate()), 0, 0);
  }

  private Launch binaryMapperBackward(BinaryMapperBackward op) {
    requireFloats(op.logits(), op.dr(), op.table(), op.dlogits().buffer());
    Args args = new Args().add(op.logits().dim(1), op.dr().dim(1));
    args.add(at(op.logits()), at(op.indices()), at(op.dr()), at(op.table()));
    args.add(at(op.dlogits().buffer())).add(op.dlogits().accumulate());
    int rows = op.logits().dim(0);
    return op.full()
        ? Launch.groups(BinaryMapperKernels::full, rows, args, 0, 0)
        : Launch.groups(BinaryMapperKernels::sampled, rows, args, 0, 0);
  }

  private Launch bernoulliKl(BernoulliKl op) {
    requireFloats(op.logits(), op.kl().buffer());
    int rows = op.logits().dim(0);
    Args args = new Args().add(rows, op.logits().dim(1), at(op.logits()), at(op.kl().buffer()));
    return Launch.items(PlanKernels::kl, rows, args.add(op.kl().accumulate()), 0, 0);
  }

  private Launch bernoulliKlBackward(BernoulliKlBackward op) {
    requireFloats(op.logits(), op.dkl(), op.dlogits().buffer());
    int size = size(op.logits());
    Args args = new Args().add(size, op.logits().dim(1), at(op.logits()), at(op.dkl()));
    args.add(at(op.dlogits().buffer())).add(op.dlogits().accumulate());
    return Launch.items(PlanKernels::klBackward, size, args, 0, 0);
  }

  private Launch adamW(AdamW op) {
    requireFloats(op.parameter(), op.gradient(), op.firstMoment(), op.secondMoment());
    requireFloats(op.schedule(), op.gradientScale());
    int size = size(op.parameter());
    Args args = new Args().add(size, at(op.parameter()), at(op.gradient()));
    args.add(at(op.firstMoment()), at(op.secondMoment()), at(op.schedule()));
    args.add(at(op.gradientScale()));
    args.add(constant(op.beta1()), constant(op.beta2()), constant(op.epsilon()));
    return Launch.items(AdamWKernels::update, size, args.add(constant(op.weightDecay())), 0, 0);
  }

  // ---- Operands ----

  private int at(Buffer buffer) {
    return places.applyAsInt(buffer) + Math.toIntExact(buffer.layout().offset());
  }

  private int constant(double value) {
    return constants.applyAsInt((float) value);
  }

  @SuppressWarnings("EnumOrdinal") // Kernels number functions in this order; parity shows a change.
  private static int code(Enum<?> function) {
    return function.ordinal();
  }

  private static int size(Buffer buffer) {
    return Math.toIntExact(buffer.size());
  }

  /** Product of all dimensions but the last. */
  private static int rowsOf(Buffer buffer) {
    Shape shape = buffer.shape();
    return shape.dim(-1) == 0 ? 0 : Math.toIntExact(shape.size() / shape.dim(-1));
  }

  private static boolean isInts(Buffer buffer) {
    if (buffer.dtype() != DType.I32) {
      requireFloats(buffer);
    }
    return buffer.dtype() == DType.I32;
  }

  private static void requireFloats(Buffer... buffers) {
    for (Buffer buffer : buffers) {
      // A program's own f64 numbers, such as sums for a norm, are kept as f32.
      if (!buffer.dtype().isFloating()) {
        throw new UnsupportedOperationException(
            "the GPU device computes in f32, and keeps whole numbers as i32; this is " + buffer);
      }
    }
  }
}
