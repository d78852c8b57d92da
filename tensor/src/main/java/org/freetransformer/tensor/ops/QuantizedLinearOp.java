package org.freetransformer.tensor.ops;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/**
 * Linear layers whose weight is held in 8 bits, for generation: a quarter of f32's memory, and of
 * the time to read it. Each row (the weights of one output) is rounded to whole steps of its own
 * scale, max |w| / 127, so that no weight is off by more than half a step.
 */
public final class QuantizedLinearOp {
  private static final int MOST_STEPS = 127;

  private QuantizedLinearOp() {}

  /**
   * A weight in steps of a scale, freed when it is closed.
   *
   * @param steps [out, in] in i8, −127 … 127
   * @param scales [out] in f32
   */
  public record Weight(Tensor steps, Tensor scales) implements AutoCloseable {
    @Override
    public void close() {
      steps.close();
      scales.close();
    }
  }

  /**
   * Rounds a weight [out, in].
   *
   * @param owner under which the new memory is counted
   * @throws IllegalArgumentException if it is not a matrix of floating-point numbers, or some are
   *     not finite
   */
  public static Weight quantize(String owner, Tensor weight) {
    Check.floating("quantize", weight);
    Check.that(weight.shape().rank() == 2, "quantize", "the shape must be [out, in]", weight);
    int outputs = weight.dim(0);
    int inputs = weight.dim(1);
    byte[] steps = new byte[weight.shape().sizeAsInt("quantize")];
    float[] scales = new float[outputs];
    for (int row = 0; row < outputs; row++) {
      float[] numbers = weight.narrow(0, row, 1).toFloats();
      scales[row] = round(numbers, steps, row * inputs);
      Check.that(Float.isFinite(scales[row]), "quantize", "numbers must be finite", weight);
    }
    Engine engine = weight.engine();
    Tensor narrow = engine.allocate(owner, DType.I8, weight.shape());
    try {
      narrow.set(MemorySegment.ofArray(steps));
      Tensor perRow = engine.allocate(owner, DType.F32, Shape.of(outputs));
      return new Weight(narrow, perRow.set(scales));
    } catch (RuntimeException | Error failure) {
      narrow.close();
      throw failure;
    }
  }

  /** The scale of a row; not finite if one of its numbers is not. */
  private static float round(float[] numbers, byte[] steps, int at) {
    float largest = 0;
    for (float number : numbers) {
      largest = Math.max(largest, Math.abs(number));
    }
    float scale = largest / MOST_STEPS;
    for (int i = 0; i < numbers.length && scale > 0; i++) {
      steps[at + i] = (byte) Math.clamp(Math.rint(numbers[i] / scale), -MOST_STEPS, MOST_STEPS);
    }
    return scale;
  }

  /**
   * x [.., in] in f32 times the weight's transpose: y [.., out] in f32. It has no gradient.
   *
   * @throws IllegalArgumentException if the inner sizes differ, or x wants a gradient
   */
  public static Tensor forward(Tensor x, Weight weight) {
    Engine engine = x.engine();
    Tensor steps = weight.steps();
    Check.engine("quantized linear", x, steps, weight.scales());
    boolean fits = x.dtype() == DType.F32 && x.shape().rank() >= 1 && x.dim(-1) == steps.dim(1);
    Check.that(fits, "quantized linear", "x must be [.., in] in f32", x, steps);
    boolean differentiated = engine.gradEnabled() && x.requiresGrad();
    Check.that(!differentiated, "quantized linear", "there is no gradient of this", x, steps);
    Tensor rows = x.contiguous();
    Tensor y = engine.empty(DType.F32, x.shape().with(-1, steps.dim(0)));
    engine.emit(
        new Instruction.QuantizedLinear(
            Rows.of("quantized linear", rows.buffer()),
            steps.buffer(),
            weight.scales().buffer(),
            Output.to(Rows.of("quantized linear", y.buffer()))));
    return y;
  }
}
