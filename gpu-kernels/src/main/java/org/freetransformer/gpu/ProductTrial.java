package org.freetransformer.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.Storage;
import org.jspecify.annotations.Nullable;

/**
 * Products on tensor cores or by cuBLAS beside the same by the plain kernel, on the same device:
 * one whose tiles go straight to the result, one that is scaled and added to a result which they do
 * not fit, and one of f32 with the type. They are a program of a small device of their own, so that
 * nothing stays of one that fails.
 */
final class ProductTrial {
  /** Bytes for f32 of the small devices. */
  static final long MEMORY = 4L << 20;

  /** Both sum up the same products of numbers up to 1 in f32. */
  private static final double TOLERANCE = 1e-3;

  private static final int SIDE = TensorCoreKernels.TILE;

  private final Supplier<Device> plain;
  private final Supplier<Device> tried;

  /**
   * On a device with {@link #MEMORY}.
   *
   * @param plain opens it to compute products by the plain kernel
   * @param tried opens it to compute them the other way
   */
  ProductTrial(Supplier<Device> plain, Supplier<Device> tried) {
    this.plain = plain;
    this.tried = tried;
  }

  /** What is wrong with the products of a type, or null. */
  @Nullable String problem(DType type) {
    List<float[]> expected = products(type, plain);
    List<float[]> actual;
    try {
      actual = products(type, tried);
    } catch (RuntimeException | Error failure) { // TornadoVM's own are Errors.
      return "a trial failed: " + Failures.message(failure);
    }
    for (int i = 0; i < expected.size(); i++) {
      for (int j = 0; j < expected.get(i).length; j++) {
        float right = expected.get(i)[j];
        float got = actual.get(i)[j];
        if (!(Math.abs(right - got) <= TOLERANCE)) { // Also if it is not a number.
          return "a trial gave %s instead of %s".formatted(got, right);
        }
      }
    }
    return null;
  }

  private static List<float[]> products(DType type, Supplier<Device> opening) {
    try (Device device = opening.get()) {
      SplittableRandom random = new SplittableRandom(1);
      Buffer a = operand(device, type, random, SIDE, 3 * TensorCoreKernels.SLICE);
      Buffer b = operand(device, type, random, 3 * TensorCoreKernels.SLICE, SIDE);
      Buffer whole = operand(device, DType.F32, random, SIDE, SIDE);
      // Both transposed, with sides and a shared dimension that end within tiles and slices.
      Buffer c = transposed(operand(device, type, random, 37, SIDE + 9));
      Buffer d = transposed(operand(device, type, random, SIDE - 5, 37));
      Buffer sum = operand(device, DType.F32, random, SIDE + 9, SIDE - 5);
      Buffer wide = operand(device, DType.F32, random, SIDE + 9, 37);
      Buffer mixed = operand(device, DType.F32, random, SIDE + 9, SIDE - 5);
      List<Instruction> program =
          List.of(
              new MatMul(a, b, 1, Output.to(whole)),
              new MatMul(c, d, 0.5, Output.addTo(sum)),
              new MatMul(wide, d, 1, Output.to(mixed)));
      device.prepare(program).run();
      List<float[]> results = new ArrayList<>();
      for (Buffer result : List.of(whole, sum, mixed)) {
        float[] values = new float[Math.toIntExact(result.size())];
        device.read(result.storage(), 0, MemorySegment.ofArray(values));
        results.add(values);
      }
      return results;
    }
  }

  /** Random numbers from -1 to 1. */
  private static Buffer operand(
      Device device, DType type, SplittableRandom random, int rows, int columns) {
    Layout layout = Layout.contiguous(Shape.of(rows, columns));
    long count = layout.shape().size();
    Storage storage = device.allocate(count * type.bytes(), type, "trial");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(count * type.bytes(), Float.BYTES);
      for (long i = 0; i < count; i++) {
        float value = (float) random.nextDouble(-1, 1);
        switch (type) {
          case BF16 -> values.setAtIndex(ValueLayout.JAVA_SHORT, i, BFloat16.fromFloat(value));
          case F16 -> values.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(value));
          default -> values.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        }
      }
      device.write(storage, 0, values);
    }
    return new Buffer(storage, type, layout);
  }

  private static Buffer transposed(Buffer buffer) {
    return buffer.with(buffer.layout().transpose(0, 1));
  }
}
