package org.freetransformer.gpu;

import java.util.List;
import java.util.function.LongToIntFunction;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.Gather;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Instruction.Reduce;
import org.freetransformer.tensor.device.Instruction.ScatterAdd;
import org.freetransformer.tensor.device.Instruction.ScatterRows;
import org.freetransformer.tensor.device.ReduceFunction;

/** Lowers reductions, products, and rows of tables. */
final class MatrixLowering extends FamilyLowering {
  private final LongToIntFunction scratch;

  /**
   * For one instruction.
   *
   * @param scratch gives the first of so many words among the floats
   */
  MatrixLowering(
      ToIntFunction<Buffer> places, ToIntFunction<Float> constants, LongToIntFunction scratch) {
    super(places, constants);
    this.scratch = scratch;
  }

  List<Launch> reduce(Reduce op) {
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
    args.add(op.out().accumulate()).add(code(op.function()), count).add(reduced).add(strides);
    if (count <= ReduceKernels.MOST_IN_ONE || size(out) >= ReduceKernels.MANY_RESULTS) {
      return List.of(reduce(size(out), args.add(1, count, ABSENT)));
    }
    int blocks = Math.ceilDiv(count, ReduceKernels.BLOCK);
    int groups = Math.multiplyExact(size(out), blocks);
    int partial = scratch.applyAsInt(groups);
    return List.of(
        reduce(groups, args.add(blocks, ReduceKernels.BLOCK, partial)),
        reduce(size(out), ofBlocks(op, partial, blocks)));
  }

  /** Reduces what the blocks of each result gave, which lie one behind the other. */
  private Args ofBlocks(Reduce op, int partial, int blocks) {
    Layout out = op.out().buffer().layout();
    Layout firsts = Layout.contiguous(Shape.of(Math.toIntExact(out.shape().size()), blocks));
    Args args = new Args().dims(out).view(at(op.out().buffer()), out);
    args.view(partial, firsts.narrow(1, 0, 1).reshape(out.shape()));
    ReduceFunction function =
        op.function() == ReduceFunction.MAX ? ReduceFunction.MAX : ReduceFunction.SUM;
    args.add(op.out().accumulate()).add(code(function), blocks);
    return args.add(1, 1, 1, 1, blocks).add(0, 0, 0, 0, 1).add(1, blocks, ABSENT);
  }

  private static Launch reduce(int groups, Args args) {
    return Launch.perGroup(ReduceKernels::reduce, groups, args, 0, 0);
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

  Launch matMul(MatMul op) {
    Buffer out = op.out().buffer();
    requireFloats(op.a(), op.b(), out);
    int batches = batches(out);
    Args args = matrices(op.a(), op.b(), out);
    args.add(op.out().accumulate());
    if (out.dim(-2) <= FewRowsKernels.MOST_ROWS) {
      return fewRows(op, args.add(type(op.a()), type(op.b())), batches);
    }
    args.add(typeInFours(op.a()), typeInFours(op.b()));
    int tilesM = Math.ceilDiv(out.dim(-2), MatMulKernels.TILE);
    int tilesN = Math.ceilDiv(out.dim(-1), MatMulKernels.TILE);
    int tiles = Math.multiplyExact(Math.multiplyExact(tilesM, tilesN), batches);
    float alpha = (float) op.alpha();
    return new Launch(MatMulKernels::matMul, args.toArray(), alpha, 0, tiles, MatMulKernels.GROUP);
  }

  private int typeInFours(Buffer operand) {
    return type(operand) + (isInFours(operand) ? MatMulKernels.FOURS : 0);
  }

  /** Whether fours of neighbours in memory are of one row or column, each at a multiple of 4. */
  private boolean isInFours(Buffer operand) {
    int[] view = matrix(operand);
    boolean isDown = view[1] == 1;
    int length = operand.dim(isDown ? -2 : -1);
    int stride = isDown ? view[2] : view[1];
    return (isDown || view[2] == 1)
        && IntStream.of(length, stride, view[0], view[3], view[4]).allMatch(i -> i % 4 == 0);
  }

  private static Launch fewRows(MatMul op, Args args, int batches) {
    Buffer out = op.out().buffer();
    Layout b = op.b().layout();
    int rank = b.shape().rank();
    int groups = Math.ceilDiv(out.dim(-2), FewRowsKernels.ROWS) * batches;
    int columns = out.dim(-1);
    if (b.stride(rank - 2) <= b.stride(rank - 1)) {
      int dots = Math.multiplyExact(groups, columns);
      return Launch.perGroup(FewRowsKernels::byDots, dots, args, op.alpha(), 0);
    }
    int strips = Math.ceilDiv(columns, Groups.SIZE);
    return Launch.perGroup(
        FewRowsKernels::byColumns, Math.multiplyExact(groups, strips), args, op.alpha(), 0);
  }

  Launch gather(Gather op) {
    Buffer out = op.out().buffer();
    requireFloats(op.table(), out);
    Args args = rows(op.table(), op.indices(), out).add(op.out().accumulate());
    return Launch.perItem(RowKernels::gather, size(out), args, 0, 0);
  }

  Launch scatterRows(ScatterRows op) {
    requireFloats(op.table(), op.source());
    Args args = rows(op.table(), op.indices(), op.source()).add(0);
    return Launch.perItem(RowKernels::scatter, size(op.source()), args, 0, 0);
  }

  Launch scatterAdd(ScatterAdd op) {
    requireFloats(op.table(), op.source());
    Args args = rows(op.table(), op.indices(), op.source()).add(0);
    return Launch.perGroup(RowKernels::scatterAdd, size(op.indices()), args, 0, 0);
  }

  private Args rows(Buffer table, Buffer indices, Buffer other) {
    return new Args()
        .add(size(indices), table.dim(1), table.dim(0), at(table), at(indices), at(other));
  }
}
