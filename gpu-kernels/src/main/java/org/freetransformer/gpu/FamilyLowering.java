package org.freetransformer.gpu;

import java.util.function.ToIntFunction;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.jspecify.annotations.Nullable;

/** What the lowerings of all families share: where operands lie, and of what types they may be. */
abstract class FamilyLowering {
  /** In place of an operand that is not there. */
  static final int ABSENT = -1;

  private final ToIntFunction<Buffer> places;
  private final ToIntFunction<Float> constants;

  /**
   * @param places the word at which a buffer's storage begins in its heap
   * @param constants the word at which a constant stands among the floats
   */
  FamilyLowering(ToIntFunction<Buffer> places, ToIntFunction<Float> constants) {
    this.places = places;
    this.constants = constants;
  }

  int at(Buffer buffer) {
    return places.applyAsInt(buffer) + Math.toIntExact(buffer.layout().offset());
  }

  int constant(double value) {
    return constants.applyAsInt((float) value);
  }

  @SuppressWarnings("EnumOrdinal") // Kernels number functions in this order; parity shows a change.
  static int code(Enum<?> function) {
    return function.ordinal();
  }

  static int size(Buffer buffer) {
    return buffer.shape().sizeAsInt("the GPU device");
  }

  /** Product of all dimensions but the last. */
  static int rowsOf(Buffer buffer) {
    Shape shape = buffer.shape();
    return shape.dim(-1) == 0 ? 0 : Math.toIntExact(shape.size() / shape.dim(-1));
  }

  static boolean isInts(Buffer buffer) {
    if (buffer.dtype() != DType.I32) {
      requireFloats(buffer);
    }
    return buffer.dtype() == DType.I32;
  }

  static void requireFloats(Buffer... buffers) {
    for (Buffer buffer : buffers) {
      // A program's own f64 numbers, such as sums for a norm, are kept as f32.
      if (!buffer.dtype().isFloating()) {
        throw new UnsupportedOperationException(
            "the GPU device computes in f32, and keeps whole numbers as i32; this is " + buffer);
      }
    }
  }

  static int stride(Layout layout, int axis) {
    return Math.toIntExact(layout.stride(axis));
  }

  /** Offset and strides of the first three of four dimensions; the last is dense. */
  void place(Args args, @Nullable Buffer buffer) {
    if (buffer == null) {
      args.add(0, 0, 0, 0);
    } else {
      Layout layout = buffer.layout();
      args.add(at(buffer), stride(layout, 0), stride(layout, 1), stride(layout, 2));
    }
  }

  /**
   * The head of a product's args: {@code [M, N, K, batch dims × 2, then for A, B, out: offset, row
   * stride, column stride, batch strides × 2]}.
   */
  Args matrices(Buffer a, Buffer b, Buffer out) {
    return new Args()
        .add(out.dim(-2), out.dim(-1), a.dim(-1), batch(out, 4), batch(out, 3))
        .add(matrix(a))
        .add(matrix(b))
        .add(matrix(out));
  }

  /** Offset, row stride, column stride, batch strides × 2. */
  int[] matrix(Buffer buffer) {
    int rank = buffer.shape().rank();
    Layout layout = buffer.layout();
    return new int[] {
      at(buffer),
      stride(layout, rank - 2),
      stride(layout, rank - 1),
      rank > 3 ? stride(layout, rank - 4) : 0,
      rank > 2 ? stride(layout, rank - 3) : 0
    };
  }

  /**
   * How many matrices a product's result has.
   *
   * @throws UnsupportedOperationException if it has more batch dimensions than kernels know
   */
  static int batches(Buffer out) {
    if (out.shape().rank() > 4) {
      throw new UnsupportedOperationException(
          "the GPU device multiplies matrices of at most 2 batch dimensions, not " + out);
    }
    return Math.multiplyExact(batch(out, 3), batch(out, 4));
  }

  /** The size of the axis that is {@code fromEnd}-th from the end, 1 if there is none. */
  static int batch(Buffer buffer, int fromEnd) {
    return buffer.shape().rank() >= fromEnd ? buffer.dim(-fromEnd) : 1;
  }

  static boolean isHalf(Buffer buffer) {
    return buffer.dtype() == DType.BF16 || buffer.dtype() == DType.F16;
  }

  static int type(Buffer buffer) {
    return switch (buffer.dtype()) {
      case BF16 -> Halves.BF16;
      case F16 -> Halves.F16;
      default -> Halves.F32;
    };
  }
}
