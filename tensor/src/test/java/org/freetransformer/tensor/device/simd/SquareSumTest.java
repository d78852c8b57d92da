package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.ReduceFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Numbers that a double made of a float's bits must not get wrong. */
class SquareSumTest {
  private final SimdDevice device = new SimdDevice(2, ColdKernels.none());
  private final Random random = new Random(5);

  @AfterEach
  void close() {
    device.close();
  }

  private double sumOfSquares(float[] values) {
    Buffer in = SimdDevices.buffer(device, DType.F32, values.length);
    Buffer sum = SimdDevices.buffer(device, DType.F64, 1);
    for (int i = 0; i < values.length; i++) {
      Memory.of(in).setAtIndex(Memory.FLOAT, i, values[i]);
    }
    device.prepare(new Instruction.Reduce(ReduceFunction.SUM_OF_SQUARES, in, Output.to(sum))).run();
    return Memory.of(sum).get(ValueLayout.JAVA_DOUBLE, 0);
  }

  private float[] numbers(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static double expected(float[] values) {
    double sum = 0;
    for (float x : values) {
      sum += (double) x * x;
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 31, 32, 33, 1000, 16_384, 40_001})
  void finiteNumbersOfAllSizesCount(int size) {
    float[] values = numbers(size);
    double sum = expected(values);
    assertThat(sumOfSquares(values)).isCloseTo(sum, within(1e-12 * Math.max(1, sum)));
    assertThat(sumOfSquares(new float[size])).isZero();
    for (float scale : new float[] {0x1p-140f, 0x1p-100f, 0x1p100f, -0x1p120f}) {
      float[] scaled = values.clone();
      for (int i = 0; i < size; i++) {
        scaled[i] *= scale;
      }
      double squares = expected(scaled);
      assertThat(sumOfSquares(scaled)).isCloseTo(squares, within(1e-12 * squares));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 40, 16_400})
  void whatIsNotFiniteShows(int place) {
    float[] values = numbers(20_000);
    values[place] = Float.NEGATIVE_INFINITY;
    assertThat(sumOfSquares(values)).isEqualTo(Double.POSITIVE_INFINITY);
    values[place] = Float.NaN;
    assertThat(sumOfSquares(values)).isNaN();
    Arrays.fill(values, Float.MAX_VALUE);
    assertThat(sumOfSquares(values)).isCloseTo(expected(values), within(1e-12 * expected(values)));
  }
}
