package org.freetransformer.tensor.ops;

import java.util.Arrays;
import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;

/**
 * What an operation demands of its operands, with errors that name the operation and the shapes.
 */
final class Check {
  private Check() {}

  static void that(boolean condition, String operation, String demand, Tensor... operands) {
    if (!condition) {
      throw refusal(operation, demand, operands);
    }
  }

  /** Shapes as an operation wants them; the error says which operation, and of what. */
  static <T> T fitting(String operation, Supplier<T> shapes, Tensor... operands) {
    try {
      return shapes.get();
    } catch (IllegalArgumentException wrong) {
      throw refusal(operation, String.valueOf(wrong.getMessage()), operands);
    } catch (IndexOutOfBoundsException wrong) {
      throw new IndexOutOfBoundsException(
          message(operation, String.valueOf(wrong.getMessage()), operands));
    }
  }

  private static IllegalArgumentException refusal(
      String operation, String demand, Tensor... operands) {
    return new IllegalArgumentException(message(operation, demand, operands));
  }

  private static String message(String operation, String demand, Tensor... operands) {
    StringBuilder message =
        new StringBuilder(operation).append(": ").append(demand).append("; got ");
    for (int i = 0; i < operands.length; i++) {
      message.append(i == 0 ? "" : " and ").append(operands[i].buffer());
    }
    return message.toString();
  }

  static void together(String operation, Tensor a, Tensor b) {
    engine(operation, a, b);
    that(
        a.dtype() == b.dtype(), operation, "operands must have one type (convert with to())", a, b);
  }

  /** For operands of different types, which {@link #together} does not allow. */
  static void engine(String operation, Tensor... operands) {
    boolean one = Arrays.stream(operands).allMatch(x -> x.engine() == operands[0].engine());
    that(one, operation, "operands must belong to one engine", operands);
  }

  static void floating(String operation, Tensor x) {
    that(x.dtype().isFloating(), operation, "the operand must be of a floating type", x);
  }

  static void integers(String operation, Tensor x) {
    that(x.dtype() == DType.I32, operation, "indices must be of type I32", x);
  }

  /** All sizes but the last. */
  static Shape leading(Shape shape) {
    return Shape.of(Arrays.copyOf(shape.toArray(), shape.rank() - 1));
  }

  static void shape(String operation, Tensor x, Shape expected) {
    that(x.shape().equals(expected), operation, "the shape must be " + expected, x);
  }
}
