package org.freetransformer.tensor.ops;

import java.util.List;
import java.util.Locale;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Gradients;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.BinaryFunction;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.UnaryFunction;

/** Operations on each element by itself, with broadcasting. */
public final class ElementwiseOp {
  private ElementwiseOp() {}

  /** {@code scale·x + shift}; gradient {@code scale·dy}. */
  public static Tensor affine(Tensor x, double scale, double shift) {
    Check.floating("affine", x);
    Tensor y = x.engine().empty(x.dtype(), x.shape());
    x.engine().emit(new Instruction.Affine(x.buffer(), scale, shift, Output.to(y.buffer())));
    return Node.attach(
        y,
        List.of(x),
        (dy, gradients) ->
            x.engine().emit(new Instruction.Affine(dy.buffer(), scale, 0, gradients.into(x))));
  }

  /** {@code f(x)}; gradient {@code f'(x)·dy}. */
  public static Tensor unary(UnaryFunction function, Tensor x) {
    Check.floating(name(function), x);
    Engine engine = x.engine();
    Tensor y = engine.empty(x.dtype(), x.shape());
    engine.emit(new Instruction.Unary(function, x.buffer(), Output.to(y.buffer())));
    return Node.attach(
        y,
        List.of(x),
        (dy, gradients) ->
            engine.emit(
                new Instruction.UnaryBackward(
                    function, x.buffer(), dy.buffer(), gradients.into(x))));
  }

  /**
   * {@code f(a, b)}, shapes broadcast.
   *
   * @throws IllegalArgumentException if shapes do not broadcast, or types differ
   */
  public static Tensor binary(BinaryFunction function, Tensor a, Tensor b) {
    String name = name(function);
    Check.together(name, a, b);
    if (!function.isComparison()) {
      Check.floating(name, a);
    }
    Engine engine = a.engine();
    Shape shape = Check.fitting(name, () -> Shape.broadcast(a.shape(), b.shape()), a, b);
    DType type = a.dtype().isFloating() ? a.dtype() : DType.F32;
    Tensor y = engine.empty(type, shape);
    engine.emit(
        new Instruction.Binary(
            function, broadcast(a, shape), broadcast(b, shape), Output.to(y.buffer())));
    return switch (function) {
      case EQUAL, NOT_EQUAL, GREATER, LESS -> y;
      case ADD, SUBTRACT ->
          Node.attach(y, List.of(a, b), (dy, to) -> sumBackward(function, a, b, dy, to));
      case MULTIPLY, DIVIDE ->
          Node.attach(y, List.of(a, b), (dy, to) -> productBackward(function, a, b, dy, to));
      case MAX, MIN ->
          Node.attach(y, List.of(a, b), (dy, to) -> extremeBackward(function, a, b, dy, to));
    };
  }

  /** As the user wrote it. */
  private static String name(UnaryFunction function) {
    return function == UnaryFunction.NEGATE ? "neg" : function.name().toLowerCase(Locale.ROOT);
  }

  private static String name(BinaryFunction function) {
    return switch (function) {
      case ADD -> "add";
      case SUBTRACT -> "sub";
      case MULTIPLY -> "mul";
      case DIVIDE -> "div";
      case MAX -> "maximum";
      case MIN -> "minimum";
      case EQUAL -> "equal";
      case NOT_EQUAL -> "notEqual";
      case GREATER -> "greater";
      case LESS -> "less";
    };
  }

  private static Buffer broadcast(Tensor x, Shape shape) {
    return x.buffer().with(x.layout().broadcastTo(shape));
  }

  /** d(a ± b): da = dy, db = ±dy. */
  private static void sumBackward(
      BinaryFunction function, Tensor a, Tensor b, Tensor dy, Gradients gradients) {
    if (function == BinaryFunction.SUBTRACT) {
      gradients.intoBroadcast(
          b, dy.shape(), out -> dy.engine().emit(new Instruction.Affine(dy.buffer(), -1, 0, out)));
    } else {
      gradients.giveSum(b, dy);
    }
    gradients.giveSum(a, dy);
  }

  /** d(a·b): da = dy·b, db = dy·a. d(a/b): da = dy/b, db = −dy·a/b². */
  private static void productBackward(
      BinaryFunction function, Tensor a, Tensor b, Tensor dy, Gradients gradients) {
    Shape shape = dy.shape();
    Engine engine = dy.engine();
    gradients.intoBroadcast(
        a,
        shape,
        out ->
            engine.emit(new Instruction.Binary(function, dy.buffer(), broadcast(b, shape), out)));
    if (!gradients.wants(b)) {
      return;
    }
    Tensor other = function == BinaryFunction.MULTIPLY ? a : a.div(b).div(b).neg();
    gradients.intoBroadcast(
        b,
        shape,
        out ->
            engine.emit(
                new Instruction.Binary(
                    BinaryFunction.MULTIPLY, dy.buffer(), broadcast(other, shape), out)));
  }

  /** The one that won gets dy; equal ones get half each. */
  private static void extremeBackward(
      BinaryFunction function, Tensor a, Tensor b, Tensor dy, Gradients gradients) {
    Tensor sign = a.greater(b).sub(a.less(b));
    Tensor shareOfA = sign.mul(function == BinaryFunction.MAX ? 0.5 : -0.5).add(0.5);
    Tensor shareOfB = shareOfA.mul(-1).add(1);
    intoProduct(a, dy, shareOfA, gradients);
    intoProduct(b, dy, shareOfB, gradients);
  }

  private static void intoProduct(Tensor input, Tensor dy, Tensor share, Gradients gradients) {
    gradients.intoBroadcast(
        input,
        dy.shape(),
        out ->
            dy.engine()
                .emit(
                    new Instruction.Binary(
                        BinaryFunction.MULTIPLY, dy.buffer(), share.buffer(), out)));
  }

  /**
   * {@code condition ≠ 0 ? a : b}, shapes broadcast; the gradient goes to the chosen one.
   *
   * @throws IllegalArgumentException if shapes do not broadcast, or the types of a and b differ
   */
  public static Tensor select(Tensor condition, Tensor a, Tensor b) {
    Check.together("select", a, b);
    Check.together("select", condition, a);
    Engine engine = a.engine();
    Shape shape =
        Check.fitting(
            "select",
            () -> Shape.broadcast(condition.shape(), Shape.broadcast(a.shape(), b.shape())),
            condition,
            a,
            b);
    Tensor y = engine.empty(a.dtype(), shape);
    engine.emit(
        new Instruction.Select(
            broadcast(condition, shape),
            broadcast(a, shape),
            broadcast(b, shape),
            Output.to(y.buffer())));
    return Node.attach(
        y,
        List.of(a, b),
        (dy, gradients) -> {
          Buffer zero = broadcast(engine.full(a.dtype(), Shape.of(), 0), shape);
          Buffer chosen = broadcast(condition, shape);
          gradients.intoBroadcast(
              a, shape, out -> engine.emit(new Instruction.Select(chosen, dy.buffer(), zero, out)));
          gradients.intoBroadcast(
              b, shape, out -> engine.emit(new Instruction.Select(chosen, zero, dy.buffer(), out)));
        });
  }
}
