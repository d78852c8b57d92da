package org.freetransformer.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.OptionalDouble;
import org.freetransformer.tensor.BFloat16;

/** Turns the four floating types of files into one another, element by element. */
final class FloatElements {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private FloatElements() {}

  /** Whether a type is F64, F32, F16 or BF16. */
  static boolean isFloat(TensorType type) {
    return switch (type) {
      case F64, F32, F16, BF16 -> true;
      default -> false;
    };
  }

  /** Element {@code i} of little-endian bytes, F64 rounded. */
  static float get(TensorType type, MemorySegment bytes, long i) {
    return switch (type) {
      case F64 -> (float) Double.longBitsToDouble(bytes.get(LONG, 8 * i));
      case F32 -> Float.intBitsToFloat(bytes.get(INT, 4 * i));
      case F16 -> Float.float16ToFloat(bytes.get(SHORT, 2 * i));
      case BF16 -> BFloat16.toFloat(bytes.get(SHORT, 2 * i));
      default -> throw new IllegalArgumentException(type + " is no floating type");
    };
  }

  /** The same as it stands there, F64 not rounded. */
  private static double exact(TensorType type, MemorySegment bytes, long i) {
    return type == TensorType.F64
        ? Double.longBitsToDouble(bytes.get(LONG, 8 * i))
        : get(type, bytes, i);
  }

  /** Sets element {@code i}, rounded to the nearest that the type has. */
  static void set(TensorType type, MemorySegment bytes, long i, float value) {
    switch (type) {
      case F64 -> bytes.set(LONG, 8 * i, Double.doubleToRawLongBits(value));
      case F32 -> bytes.set(INT, 4 * i, Float.floatToRawIntBits(value));
      case F16 -> bytes.set(SHORT, 2 * i, Float.floatToFloat16(value));
      case BF16 -> bytes.set(SHORT, 2 * i, BFloat16.fromFloat(value));
      default -> throw new IllegalArgumentException(type + " is no floating type");
    }
  }

  /** Fills {@code to} with the elements from number {@code first} on. */
  static void convert(
      TensorType fromType, MemorySegment from, long first, TensorType toType, MemorySegment to) {
    long count = to.byteSize() / toType.bytes();
    if (fromType == toType) {
      MemorySegment.copy(from, first * fromType.bytes(), to, 0, to.byteSize());
      return;
    }
    for (long i = 0; i < count; i++) {
      set(toType, to, i, get(fromType, from, first + i));
    }
  }

  /** The first number that {@link #convert} made infinite because the type has none so large. */
  static OptionalDouble firstOverflow(
      TensorType fromType, MemorySegment from, long first, TensorType toType, MemorySegment to) {
    long count = to.byteSize() / toType.bytes();
    for (long i = 0; i < count; i++) {
      if (Float.isInfinite(get(toType, to, i))) {
        double value = exact(fromType, from, first + i);
        if (Double.isFinite(value)) {
          return OptionalDouble.of(value);
        }
      }
    }
    return OptionalDouble.empty();
  }
}
