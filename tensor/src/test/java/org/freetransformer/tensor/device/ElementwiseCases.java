package org.freetransformer.tensor.device;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.DType;
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
import org.freetransformer.tensor.device.RandomInstructions.Case;

/** Random instructions that go element by element. */
final class ElementwiseCases {
  private ElementwiseCases() {}

  static Case fill(Operands o) {
    DType dtype = o.oneOf(DType.values());
    double value = dtype.isFloating() ? o.normal(1)[0] : o.between(0, 255);
    return new Case(new Fill(o.blank(dtype, o.strided(o.dims())), value), 0);
  }

  static Case copy(Operands o) {
    int[] dims = o.dims();
    DType from = o.oneOf(DType.values());
    DType to = o.chance(0.5) ? from : o.oneOf(DType.values());
    var layout = o.broadcast(dims);
    double[] values =
        from.isFloating() && to.isFloating()
            ? o.normal(layout.shape().size())
            : o.uniform(layout.shape().size(), 0, 120);
    Buffer in = o.of(from, layout, values);
    Output out = o.output(to, o.strided(dims));
    // A 16-bit sum may be rounded twice, by way of f32; an integer one may be truncated.
    return new Case(new Copy(in, out), out.accumulate() && to.bytes() < 4 ? 1 : 0);
  }

  static Case hostCall(Operands o) {
    int[] dims = o.dims();
    DType type = o.oneOf(DType.F32, DType.BF16);
    Buffer in = o.of(type, o.contiguous(dims));
    Buffer out = o.blank(type, o.contiguous(dims));
    Instruction call =
        new Instruction.HostCall(
            "copy",
            List.of(in),
            List.of(out),
            0,
            operands -> () -> operands.get(1).copyFrom(operands.get(0)));
    return new Case(call, 0);
  }

  static Case random(Operands o) {
    double a = o.normal(1)[0];
    double width = o.uniform(1, 0.1, 3)[0];
    Random.Distribution distribution = o.oneOf(Random.Distribution.values());
    double b = distribution == Random.Distribution.UNIFORM ? a + width : width;
    Buffer out = o.blank(o.floating(), o.contiguous(o.dims()));
    return new Case(new Random(distribution, a, b, o.rng(), o.between(0, 1 << 20), out), 2);
  }

  static Case affine(Operands o) {
    int[] dims = o.dims();
    DType dtype = o.floating();
    double scale = o.chance(0.2) ? 1 : o.normal(1)[0];
    double shift = o.chance(0.3) ? 0 : o.normal(1)[0];
    Buffer in = o.of(dtype, o.broadcast(dims));
    return new Case(new Affine(in, scale, shift, outputOrInPlace(o, in)), 2);
  }

  static Case unary(Operands o) {
    int[] dims = o.dims();
    UnaryFunction function = o.oneOf(UnaryFunction.values());
    Buffer in = argument(o, function, dims);
    return new Case(new Unary(function, in, outputOrInPlace(o, in)), 4);
  }

  static Case unaryBackward(Operands o) {
    int[] dims = o.dims();
    UnaryFunction function = o.oneOf(UnaryFunction.values());
    Buffer x = argument(o, function, dims);
    Buffer dy = o.of(x.dtype(), o.broadcast(dims));
    return new Case(new UnaryBackward(function, x, dy, outputOrInPlace(o, dy)), 8);
  }

  /** Numbers at which the function is defined and within f32's range. */
  private static Buffer argument(Operands o, UnaryFunction function, int[] dims) {
    var layout = o.broadcast(dims);
    long size = layout.shape().size();
    double[] values =
        switch (function) {
          case LOG, SQRT, RECIPROCAL -> o.uniform(size, 0.01, 10);
          case EXP -> o.uniform(size, -80, o.chance(0.3) ? 80 : 2);
          case TANH, SIGMOID, SILU, SOFTPLUS -> o.logits(size);
          case NEGATE, ABS, SQUARE, RELU -> o.chance(0.1) ? new double[(int) size] : o.normal(size);
        };
    return o.of(o.floating(), layout, values);
  }

  static Case binary(Operands o) {
    int[] dims = o.dims();
    BinaryFunction function = o.oneOf(BinaryFunction.values());
    if (function.isComparison()) {
      return comparison(o, function, dims);
    }
    DType dtype = o.floating();
    Buffer a = o.of(dtype, o.broadcast(dims));
    var layout = o.broadcast(dims);
    long size = layout.shape().size();
    double[] values = function == BinaryFunction.DIVIDE ? o.uniform(size, 0.1, 3) : o.normal(size);
    Buffer b = o.of(dtype, layout, values);
    return new Case(new Binary(function, a, b, outputOrInPlace(o, o.chance(0.5) ? a : b)), 1);
  }

  private static Case comparison(Operands o, BinaryFunction function, int[] dims) {
    DType dtype = o.oneOf(DType.F32, DType.I32, DType.U8, DType.F64);
    var layoutA = o.broadcast(dims);
    var layoutB = o.broadcast(dims);
    Buffer a = o.of(dtype, layoutA, o.integers(layoutA.shape().size(), 0, 3));
    Buffer b = o.of(dtype, layoutB, o.integers(layoutB.shape().size(), 0, 3));
    DType result = o.oneOf(DType.F32, DType.U8);
    return new Case(new Binary(function, a, b, Output.to(o.blank(result, o.strided(dims)))), 0);
  }

  static Case select(Operands o) {
    int[] dims = o.dims();
    DType dtype = o.floating();
    var layout = o.broadcast(dims);
    Buffer condition =
        o.of(o.oneOf(dtype, DType.U8), layout, o.integers(layout.shape().size(), 0, 1));
    Buffer a = o.of(dtype, o.broadcast(dims));
    Buffer b = o.of(dtype, o.broadcast(dims));
    return new Case(new Select(condition, a, b, outputOrInPlace(o, a)), 0);
  }

  static Case dropout(Operands o) {
    int[] dims = o.dims();
    DType dtype = o.floating();
    double rate = o.oneOf(new Double[] {0.0, 0.1, 0.5, 0.9});
    Buffer in = o.of(dtype, o.strided(dims));
    int salt = o.between(0, 1 << 20);
    return new Case(new Dropout(in, rate, o.rng(), salt, outputOrInPlace(o, in)), 1);
  }

  static Case adamW(Operands o) {
    int size = o.chance(0.2) ? o.between(10_000, 40_000) : o.count(131);
    DType dtype = o.floating();
    Buffer parameter = o.of(dtype, o.contiguous(size));
    double[] slopes = o.normal(size);
    Arrays.fill(slopes, 0, o.between(0, size), 0); // Of rows that no token met.
    Buffer gradient = o.of(dtype, o.contiguous(size), slopes);
    Buffer firstMoment = o.of(dtype, o.contiguous(size));
    Buffer secondMoment = o.of(dtype, o.contiguous(size), o.uniform(size, 0, 2));
    Buffer schedule = o.of(dtype, o.contiguous(3), o.uniform(3, 0.01, 1));
    Buffer scale = o.of(dtype, o.contiguous(1), o.uniform(1, 0, 1));
    double decay = o.chance(0.5) ? 0 : 0.1;
    return new Case(
        new AdamW(
            parameter,
            gradient,
            firstMoment,
            secondMoment,
            schedule,
            scale,
            0.9,
            0.95,
            1e-8,
            decay),
        16);
  }

  /** An output of its own, or exactly the input's place where that is allowed. */
  private static Output outputOrInPlace(Operands o, Buffer input) {
    int[] dims = input.shape().toArray();
    boolean repeats = false;
    for (int axis = 0; axis < dims.length; axis++) {
      repeats |= dims[axis] > 1 && input.layout().stride(axis) == 0;
    }
    return !repeats && o.chance(0.2) ? Output.to(input) : o.output(input.dtype(), o.strided(dims));
  }
}
