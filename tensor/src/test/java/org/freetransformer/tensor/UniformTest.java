package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Uniform numbers stay in [low, high), however few numbers there are in it. */
class UniformTest {
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void neverRoundToTheUpperBound(boolean fast) {
    try (Engine engine = Engine.on(fast ? Devices.cpu(2) : Devices.scalar())) {
      // Neighbours in f32: half of the numbers between are nearer to the upper one.
      float low = 1 << 24;
      float high = low + 2;
      assertThat(engine.uniform(DType.F32, Shape.of(1001), low, high).toFloats()).containsOnly(low);
      assertThat(engine.uniform(DType.F32, Shape.of(1001), 3, 3).toFloats()).containsOnly(3);
      float[] unit = engine.uniform(DType.F32, Shape.of(1001), -1, 0).toFloats();
      assertThat(unit).doesNotContain(0f);
      for (float number : unit) {
        assertThat(number).isBetween(-1f, 0f);
      }
    }
  }
}
