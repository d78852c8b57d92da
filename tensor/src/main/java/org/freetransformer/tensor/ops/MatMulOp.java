package org.freetransformer.tensor.ops;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Gradients;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** Matrix products. */
public final class MatMulOp {
  private MatMulOp() {}

  /**
   * Matrix product: a [.., M, K] × b [.., K, N] = [.., M, N]; leading axes broadcast. Gradients: da
   * = dy × bᵀ, db = aᵀ × dy.
   *
   * @throws IllegalArgumentException if a rank is under 2, or the inner sizes differ
   */
  public static Tensor matmul(Tensor a, Tensor b) {
    Check.together("matmul", a, b);
    Check.floating("matmul", a);
    boolean fits = a.shape().rank() >= 2 && b.shape().rank() >= 2 && a.dim(-1) == b.dim(-2);
    Check.that(fits, "matmul", "shapes must be [.., M, K] and [.., K, N]", a, b);
    if (b.shape().rank() == 2 && a.shape().rank() > 2 && a.dim(-1) > 0) {
      long rows = a.shape().size() / a.dim(-1);
      if (rows <= Integer.MAX_VALUE && a.layout().canReshape(Shape.of((int) rows, a.dim(-1)))) {
        // One product of many rows: b is packed, or read, once.
        Tensor matrix = a.reshape((int) rows, a.dim(-1));
        return matmul(matrix, b).reshape(a.shape().with(-1, b.dim(1)).toArray());
      }
    }
    Engine engine = a.engine();
    Shape batch =
        Check.fitting(
            "matmul", () -> Shape.broadcast(leading(a.shape()), leading(b.shape())), a, b);
    Tensor y = engine.empty(a.dtype(), matrices(batch, a.dim(-2), b.dim(-1)));
    engine.emit(
        new Instruction.MatMul(
            batched(a.buffer(), batch), batched(b.buffer(), batch), 1, Output.to(y.buffer())));
    return Node.attach(
        y,
        List.of(a, b),
        (dy, gradients) -> {
          Buffer bT = transposed(batched(b.buffer(), batch));
          gradients.intoBroadcast(
              a,
              matrices(batch, a.dim(-2), a.dim(-1)),
              out -> engine.emit(new Instruction.MatMul(dy.buffer(), bT, 1, out)));
          Buffer aT = transposed(batched(a.buffer(), batch));
          gradients.intoBroadcast(
              b,
              matrices(batch, b.dim(-2), b.dim(-1)),
              out -> engine.emit(new Instruction.MatMul(aT, dy.buffer(), 1, out)));
        });
  }

  /**
   * A linear layer without bias: x [.., in], weight [out, in], y = x × weightᵀ [.., out].
   * Gradients: dx = dy × weight, dweight = dyᵀ × x. Under a mixed {@link
   * org.freetransformer.tensor.Precision} both operands and y are of 16 bits. A bf16 weight without
   * gradient may meet an x of f32, as in generation: y is then f32.
   *
   * @throws IllegalArgumentException if the inner sizes differ
   */
  public static Tensor linear(Tensor x, Tensor weight) {
    return linear(x, weight, false);
  }

  /** The same with y in the weight's own type: for what enters a sum, a loss or the plan. */
  public static Tensor linearInFull(Tensor x, Tensor weight) {
    return linear(x, weight, true);
  }

  private static Tensor linear(Tensor given, Tensor weight, boolean inFull) {
    Engine engine = given.engine();
    Check.floating("linear", given);
    Tensor x = CastOp.cast(given, engine.precision().operand(given.dtype()));
    Tensor factor = engine.productWeight(weight);
    boolean narrowed = x.dtype() == DType.F32 && factor.dtype() == DType.BF16;
    if (!narrowed) {
      Check.together("linear", x, factor);
    }
    Check.that(
        !narrowed || !weight.requiresGrad(),
        "linear",
        "a bf16 weight for f32 operands is read only: forbid its gradient",
        x,
        weight);
    boolean fits =
        weight.shape().rank() == 2 && x.shape().rank() >= 1 && x.dim(-1) == weight.dim(1);
    Check.that(fits, "linear", "shapes must be [.., in] and [out, in]", x, weight);
    Tensor rows = x.contiguous();
    DType type = inFull && !narrowed ? weight.dtype() : x.dtype();
    Tensor y = engine.empty(type, x.shape().with(-1, weight.dim(0)));
    engine.emit(
        new Instruction.MatMul(
            Rows.of("linear", rows.buffer()),
            transposed(factor.buffer()),
            1,
            Output.to(Rows.of("linear", y.buffer()))));
    return Node.attach(
        y,
        List.of(rows, weight),
        (dy, gradients) -> linearBackward(rows, weight, factor.buffer(), dy, gradients));
  }

  private static void linearBackward(
      Tensor x, Tensor weight, Buffer factor, Tensor dy, Gradients gradients) {
    Engine engine = x.engine();
    Buffer dyRows = Rows.of("linear", dy.buffer());
    if (gradients.wants(weight)) {
      Buffer input = Rows.of("linear", Node.again(x).buffer());
      engine.emit(new Instruction.MatMul(transposed(dyRows), input, 1, gradients.into(weight)));
    }
    if (gradients.wants(x)) {
      Output dx = Rows.of("linear", gradients.into(x));
      engine.emit(new Instruction.MatMul(dyRows, factor, 1, dx));
    }
  }

  private static Buffer transposed(Buffer buffer) {
    return buffer.with(buffer.layout().transpose(-1, -2));
  }

  private static Buffer batched(Buffer buffer, Shape batch) {
    Layout layout = buffer.layout().broadcastTo(matrices(batch, buffer.dim(-2), buffer.dim(-1)));
    return buffer.with(layout);
  }

  private static Shape leading(Shape shape) {
    return Shape.of(Arrays.copyOf(shape.toArray(), shape.rank() - 2));
  }

  private static Shape matrices(Shape batch, int rows, int columns) {
    int[] dims = Arrays.copyOf(batch.toArray(), batch.rank() + 2);
    dims[batch.rank()] = rows;
    dims[batch.rank() + 1] = columns;
    return Shape.of(dims);
  }
}
