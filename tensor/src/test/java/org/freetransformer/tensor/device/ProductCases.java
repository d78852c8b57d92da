package org.freetransformer.tensor.device;

import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Instruction.Gather;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Instruction.QuantizedLinear;
import org.freetransformer.tensor.device.Instruction.Reduce;
import org.freetransformer.tensor.device.Instruction.ScatterAdd;
import org.freetransformer.tensor.device.Instruction.ScatterRows;
import org.freetransformer.tensor.device.RandomInstructions.Case;

/** Random reductions, matrix products and table rows. */
final class ProductCases {
  private ProductCases() {}

  static Case reduce(Operands o) {
    if (o.chance(0.1)) {
      int size = o.chance(0.3) ? o.between(20_000, 70_000) : o.size(200);
      Buffer in = o.of(DType.F32, o.contiguous(size));
      Output out = o.output(DType.F64, o.contiguous(1));
      return new Case(new Reduce(ReduceFunction.SUM_OF_SQUARES, in, out), 1);
    }
    int[] dims = o.dims();
    int[] reduced = dims.clone();
    int length = 1;
    for (int i = 0; i < dims.length; i++) {
      if (o.chance(0.5)) {
        length *= Math.max(1, dims[i]);
        reduced[i] = 1;
      }
    }
    DType dtype = o.floating();
    ReduceFunction function = o.oneOf(ReduceFunction.values());
    Buffer in = o.of(dtype, o.broadcast(dims));
    Output out = o.output(dtype, o.strided(reduced));
    return new Case(new Reduce(function, in, out), length);
  }

  /** A few rows of f32 times a weight of bf16, as in generation. */
  private static Case narrowedWeight(Operands o) {
    int m = o.chance(0.5) ? 1 : o.size(20);
    int k = o.size(300);
    int n = o.size(40);
    Buffer a = o.of(DType.F32, o.contiguous(m, k));
    Buffer weight = o.of(DType.BF16, o.contiguous(n, k));
    Buffer b = weight.with(weight.layout().transpose(0, 1));
    double alpha = o.chance(0.5) ? 1 : o.normal(1)[0];
    return new Case(new MatMul(a, b, alpha, o.output(DType.F32, o.contiguous(m, n))), k);
  }

  static Case matMul(Operands o) {
    if (o.chance(0.15)) {
      return narrowedWeight(o);
    }
    int limit = o.chance(0.1) ? 300 : 131;
    int m = o.chance(0.1) ? o.between(132, limit + 32) : o.count(limit);
    int k = o.chance(0.1) ? o.between(132, limit + 32) : o.count(limit);
    int n = o.chance(0.1) ? o.between(132, limit + 32) : o.count(limit);
    if (o.chance(0.05)) {
      m = o.size(40);
      n = o.size(40);
      k = o.between(500, 1100);
    }
    Supplier<DType> types = o.types();
    double alpha = o.chance(0.5) ? 1 : o.normal(1)[0];
    Layout a;
    Layout b;
    Layout out;
    switch (o.between(0, 2)) {
      case 0 -> {
        a = o.strided(m, k);
        b = o.strided(k, n);
        out = o.strided(m, n);
      }
      case 1 -> {
        int batch = o.count(5);
        a = shared(o, batch, m, k);
        b = shared(o, batch, k, n);
        out = o.strided(batch, m, n);
      }
      default -> {
        int outer = o.size(3);
        int inner = o.size(3);
        a = o.strided(outer, inner, m, k);
        b = o.strided(outer, inner, k, n);
        out = o.strided(outer, inner, m, n);
      }
    }
    return new Case(
        new MatMul(o.of(types.get(), a), o.of(types.get(), b), alpha, o.output(types.get(), out)),
        k + 1);
  }

  /** A batch of matrices, or one matrix for all of the batch. */
  private static Layout shared(Operands o, int batch, int rows, int columns) {
    return o.chance(0.3)
        ? o.strided(1, rows, columns).broadcastTo(Shape.of(batch, rows, columns))
        : o.strided(batch, rows, columns);
  }

  static Case quantizedLinear(Operands o) {
    int rows = o.chance(0.4) ? 1 : o.count(40);
    int depth = o.count(300);
    int outputs = o.chance(0.1) ? o.between(500, 1100) : o.count(131);
    Layout weight = o.contiguous(outputs, depth);
    return new Case(
        new QuantizedLinear(
            o.of(DType.F32, o.contiguous(rows, depth)),
            o.of(DType.I8, weight, o.integers((long) outputs * depth, -127, 127)),
            o.of(DType.F32, o.contiguous(outputs), o.uniform(outputs, 0.001, 0.02)),
            o.output(DType.F32, o.contiguous(rows, outputs))),
        depth + 1);
  }

  static Case gather(Operands o) {
    int rows = o.size(131);
    int count = o.count(131);
    int columns = o.size(131);
    DType dtype = o.floating();
    Buffer table = o.of(dtype, o.contiguous(rows, columns));
    Buffer indices = o.of(DType.I32, o.contiguous(count), o.integers(count, -2, rows + 1));
    return new Case(new Gather(table, indices, o.output(dtype, o.contiguous(count, columns))), 1);
  }

  static Case scatterAdd(Operands o) {
    int rows = o.size(131);
    int count = o.count(131);
    int columns = o.size(131);
    DType dtype = o.floating();
    Buffer table = o.of(dtype, o.contiguous(rows, columns));
    Buffer source = o.of(dtype, o.contiguous(count, columns));
    Buffer indices = o.of(DType.I32, o.contiguous(count), o.integers(count, -2, rows + 1));
    return new Case(new ScatterAdd(source, indices, table), count + 1);
  }

  static Case scatterRows(Operands o) {
    int rows = o.size(131);
    int count = Math.min(rows, o.count(131));
    int columns = o.size(131);
    DType dtype = o.floating();
    Buffer table = o.of(dtype, o.contiguous(rows, columns));
    Buffer source = o.of(dtype, o.contiguous(count, columns));
    // Each row once at most: which of two writers wins is nobody's promise.
    double[] places = new double[count];
    int shift = o.between(0, rows);
    for (int i = 0; i < count; i++) {
      places[i] = (i + shift) % (rows + 1);
    }
    Buffer indices = o.of(DType.I32, o.contiguous(count), places);
    return new Case(new ScatterRows(source, indices, table), 0);
  }
}
