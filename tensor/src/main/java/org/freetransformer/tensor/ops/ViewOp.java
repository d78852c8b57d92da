package org.freetransformer.tensor.ops;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** Other ways to see the same elements; only {@link #contiguous} and {@link #concat} copy. */
public final class ViewOp {
  private ViewOp() {}

  /**
   * The same elements under another shape; copies first if the strides cannot carry it.
   *
   * @param dims sizes; one may be −1 and is inferred
   * @throws IllegalArgumentException if the number of elements differs
   */
  public static Tensor reshape(Tensor x, int... dims) {
    Shape shape = Check.fitting("reshape", () -> Shape.of(inferred(x.shape(), dims)), x);
    Tensor plain = x.layout().canReshape(shape) ? x : contiguous(x);
    Tensor y = plain.view(Check.fitting("reshape", () -> plain.layout().reshape(shape), x));
    return Node.attach(
        y,
        List.of(plain),
        (dy, gradients) -> gradients.giveView(plain, dy, dy.layout().reshape(plain.shape())));
  }

  private static int[] inferred(Shape from, int[] dims) {
    int[] result = dims.clone();
    long known = 1;
    int unknown = -1;
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == -1) {
        if (unknown >= 0) {
          throw new IllegalArgumentException(
              "shape %s cannot become %s: only one size may be -1"
                  .formatted(from, Arrays.toString(dims)));
        }
        unknown = i;
      } else {
        known *= dims[i];
      }
    }
    if (unknown >= 0) {
      if (known == 0 || from.size() % known != 0) {
        throw new IllegalArgumentException(
            "shape %s cannot become %s: %d elements are not divisible by %d"
                .formatted(from, Arrays.toString(dims), from.size(), known));
      }
      long size = from.size() / known;
      if (size > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "shape %s cannot become %s: a size of %d is more than %d"
                .formatted(from, Arrays.toString(dims), size, Integer.MAX_VALUE));
      }
      result[unknown] = (int) size;
    }
    return result;
  }

  /** Two axes swapped. */
  public static Tensor transpose(Tensor x, int axis1, int axis2) {
    Tensor y = x.view(Check.fitting("transpose", () -> x.layout().transpose(axis1, axis2), x));
    return Node.attach(
        y,
        List.of(x),
        (dy, gradients) -> gradients.giveView(x, dy, dy.layout().transpose(axis1, axis2)));
  }

  /** The axes in another order: axis i of the result is axis {@code order[i]}. */
  public static Tensor permute(Tensor x, int... order) {
    Tensor y = x.view(Check.fitting("permute", () -> x.layout().permute(order), x));
    int[] back = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      back[order[i]] = i;
    }
    return Node.attach(
        y, List.of(x), (dy, gradients) -> gradients.giveView(x, dy, dy.layout().permute(back)));
  }

  /** The part of an axis from {@code start}, {@code length} long. */
  public static Tensor narrow(Tensor x, int axis, int start, int length) {
    Tensor y = x.view(Check.fitting("narrow", () -> x.layout().narrow(axis, start, length), x));
    return Node.attach(
        y,
        List.of(x),
        (dy, gradients) -> {
          Buffer all = gradients.accumulator(x);
          Buffer part = all.with(all.layout().narrow(axis, start, length));
          x.engine().emit(new Instruction.Copy(dy.buffer(), Output.addTo(part)));
        });
  }

  /** Size-1 and missing leading axes repeated; the gradient is summed over the repetitions. */
  public static Tensor broadcastTo(Tensor x, Shape shape) {
    Tensor y = x.view(Check.fitting("broadcastTo", () -> x.layout().broadcastTo(shape), x));
    return Node.attach(y, List.of(x), (dy, gradients) -> gradients.giveSum(x, dy));
  }

  /** The tensor itself if it is row-major without gaps, else a copy that is. */
  public static Tensor contiguous(Tensor x) {
    if (x.layout().isContiguous()) {
      return x;
    }
    Tensor y = x.engine().empty(x.dtype(), x.shape());
    x.engine().emit(new Instruction.Copy(x.buffer(), Output.to(y.buffer())));
    return Node.attach(y, List.of(x), (dy, gradients) -> gradients.give(x, dy));
  }

  /** As {@link #contiguous}, if the last axis is not of unit stride. */
  static Tensor unitStride(Tensor x) {
    return x.dim(-1) <= 1 || x.layout().stride(-1) == 1 ? x : contiguous(x);
  }

  /**
   * The tensor itself, or a view of it if it is one of the others. An instruction that computes
   * several gradients at once must put them in different places, so its inputs must differ.
   */
  static Tensor distinct(Tensor x, Tensor... others) {
    return Arrays.asList(others).contains(x) ? reshape(x, x.shape().toArray()) : x;
  }

  /**
   * Tensors joined along an axis.
   *
   * @throws IllegalArgumentException if there are none, or their other sizes differ
   */
  public static Tensor concat(int axis, List<Tensor> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("concat: there must be at least one tensor");
    }
    Tensor first = parts.getFirst();
    Check.fitting("concat", () -> first.shape().axis(axis), first);
    int length = 0;
    for (Tensor part : parts) {
      Check.together("concat", first, part);
      boolean fits =
          part.shape().rank() == first.shape().rank()
              && part.shape().with(axis, 0).equals(first.shape().with(axis, 0));
      Check.that(fits, "concat", "sizes must be equal except along axis " + axis, first, part);
      length += part.dim(axis);
    }
    Engine engine = first.engine();
    Tensor y = engine.empty(first.dtype(), first.shape().with(axis, length));
    int start = 0;
    for (Tensor part : parts) {
      Layout place = y.layout().narrow(axis, start, part.dim(axis));
      engine.emit(new Instruction.Copy(part.buffer(), Output.to(y.buffer().with(place))));
      start += part.dim(axis);
    }
    return Node.attach(
        y,
        parts,
        (dy, gradients) -> {
          int from = 0;
          for (Tensor part : parts) {
            gradients.giveView(part, dy, dy.layout().narrow(axis, from, part.dim(axis)));
            from += part.dim(axis);
          }
        });
  }
}
