package org.freetransformer.tensor.ops;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Gradients;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.BinaryFunction;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.ReduceFunction;

/** Many numbers become one. */
public final class ReduceOp {
  private ReduceOp() {}

  /** Reduces all axes to shape []. */
  public static Tensor reduceAll(ReduceFunction function, Tensor x) {
    int[] ones = new int[x.shape().rank()];
    Arrays.fill(ones, 1);
    return reduceTo(function, x, Shape.of(ones), Shape.of());
  }

  /**
   * Reduces one axis, which is dropped or stays with size 1.
   *
   * @throws IndexOutOfBoundsException if there is no such axis
   */
  public static Tensor reduce(ReduceFunction function, Tensor x, int axis, boolean keepDim) {
    Shape kept = Check.fitting(name(function), () -> x.shape().with(axis, 1), x);
    int[] dims = x.shape().toArray();
    int dropped = x.shape().axis(axis);
    int[] rest = new int[dims.length - 1];
    for (int i = 0, j = 0; i < dims.length; i++) {
      if (i != dropped) {
        rest[j++] = dims[i];
      }
    }
    return reduceTo(function, x, kept, keepDim ? kept : Shape.of(rest));
  }

  /** As the user wrote it. */
  private static String name(ReduceFunction function) {
    return switch (function) {
      case SUM -> "sum";
      case SUM_OF_SQUARES -> "sumOfSquares";
      case MAX -> "max";
    };
  }

  private static Tensor reduceTo(ReduceFunction function, Tensor x, Shape kept, Shape shape) {
    Check.floating(name(function), x);
    Engine engine = x.engine();
    Tensor y = engine.empty(x.dtype(), shape);
    Buffer out = y.buffer().with(y.layout().reshape(kept));
    engine.emit(new Instruction.Reduce(function, x.buffer(), Output.to(out)));
    return Node.attach(
        y,
        List.of(x),
        (dy, gradients) -> {
          Tensor repeated = dy.view(dy.layout().reshape(kept).broadcastTo(x.shape()));
          switch (function) {
            case SUM -> gradients.give(x, repeated);
            case SUM_OF_SQUARES -> product(x.mul(2), repeated, gradients, x);
            case MAX -> {
              Tensor largest = y.view(y.layout().reshape(kept).broadcastTo(x.shape()));
              Tensor isLargest = x.equal(largest);
              Tensor share = isLargest.div(sumTo(isLargest, kept));
              product(share, repeated, gradients, x);
            }
          }
        });
  }

  private static Tensor sumTo(Tensor x, Shape kept) {
    Tensor sum = x.engine().empty(x.dtype(), kept);
    x.engine()
        .emit(new Instruction.Reduce(ReduceFunction.SUM, x.buffer(), Output.to(sum.buffer())));
    return sum;
  }

  private static void product(Tensor a, Tensor b, Gradients gradients, Tensor input) {
    a.engine()
        .emit(
            new Instruction.Binary(
                BinaryFunction.MULTIPLY, a.buffer(), b.buffer(), gradients.into(input)));
  }
}
