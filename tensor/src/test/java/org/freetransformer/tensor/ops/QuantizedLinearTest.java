package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Random;
import org.assertj.core.data.Offset;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ShortOfMemory;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.ops.QuantizedLinearOp.Weight;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Weights in 8 bits: how far they are from what they were, and the layer's output with them. */
class QuantizedLinearTest {
  private final Engine engine = Engine.on(Devices.scalar());
  private final Random random = new Random(7);

  @AfterEach
  void nothingIsLeft() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private Tensor normal(int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() * (1 + i / columns);
    }
    return engine.tensor(values, rows, columns);
  }

  @Test
  void noWeightIsOffByMoreThanHalfAStepOfItsRow() {
    Tensor weight = normal(5, 33);
    try (Weight quantized = QuantizedLinearOp.quantize("test", weight)) {
      float[] exact = weight.toFloats();
      float[] scales = quantized.scales().toFloats();
      int[] steps = quantized.steps().toInts();
      for (int row = 0; row < 5; row++) {
        int most = 0;
        for (int i = row * 33; i < (row + 1) * 33; i++) {
          float back = steps[i] * scales[row];
          assertThat(Math.abs(back - exact[i])).isLessThanOrEqualTo(0.5001f * scales[row]);
          most = Math.max(most, Math.abs(steps[i]));
        }
        assertThat(most).as("the largest weight of a row is 127 steps").isEqualTo(127);
      }
    }
  }

  @Test
  void theOutputIsThatOfTheRoundedWeight() {
    Tensor x = normal(3, 33).reshape(1, 3, 33);
    try (Weight quantized = QuantizedLinearOp.quantize("test", normal(5, 33))) {
      float[] rounded = new float[5 * 33];
      for (int i = 0; i < rounded.length; i++) {
        rounded[i] = quantized.steps().toInts()[i] * quantized.scales().toFloats()[i / 33];
      }
      Tensor expected = MatMulOp.linear(x, engine.tensor(rounded, 5, 33));
      Tensor actual = QuantizedLinearOp.forward(x, quantized);
      assertThat(actual.shape()).isEqualTo(expected.shape());
      float[] numbers = actual.toFloats();
      for (int i = 0; i < numbers.length; i++) {
        assertThat(numbers[i]).isCloseTo(expected.toFloats()[i], within(numbers[i]));
      }
    }
  }

  private static Offset<Float> within(float number) {
    return Offset.offset(1e-5f * (1 + Math.abs(number)));
  }

  @Test
  void aRowOfZerosStaysOne() {
    try (Weight quantized =
        QuantizedLinearOp.quantize("test", engine.tensor(new float[] {0, 0, 1, -2}, 2, 2))) {
      assertThat(quantized.steps().toInts()).containsExactly(0, 0, 64, -127);
      assertThat(quantized.scales().toFloats()).containsExactly(0, 2f / 127);
    }
  }

  @Test
  void whatCannotBeHeldIsRefused() {
    Tensor infinite = engine.tensor(new float[] {1, Float.POSITIVE_INFINITY}, 1, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> QuantizedLinearOp.quantize("test", infinite))
        .withMessageContaining("finite");
    Tensor notANumber = engine.tensor(new float[] {1, Float.NaN}, 1, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> QuantizedLinearOp.quantize("test", notANumber))
        .withMessageContaining("finite");
    try (Weight quantized = QuantizedLinearOp.quantize("test", normal(2, 4))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> QuantizedLinearOp.forward(normal(1, 3), quantized))
          .withMessageContaining("[.., in]");
      Tensor trained = normal(1, 4).requireGrad();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> QuantizedLinearOp.forward(trained, quantized))
          .withMessageContaining("no gradient");
    }
  }

  @Test
  void operandsBelongToOneEngine() {
    try (Engine other = Engine.on(Devices.scalar());
        Weight elsewhere = QuantizedLinearOp.quantize("test", other.ones(2, 4))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> QuantizedLinearOp.forward(normal(1, 4), elsewhere))
          .withMessageContaining("one engine");
    }
  }

  @Test
  void aWeightThatMemoryEndsInTheMidstOfIsGivenBack() {
    // The random state, the weight, and the first of the two parts.
    try (Engine small = Engine.on(new ShortOfMemory(3))) {
      Tensor weight = small.ones(2, 4);
      assertThatExceptionOfType(OutOfMemoryError.class)
          .isThrownBy(() -> QuantizedLinearOp.quantize("weights", weight));
      assertThat(small.device().memory().liveBytesByOwner()).doesNotContainKey("weights");
    }
  }
}
