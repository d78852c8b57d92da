package org.freetransformer.nn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.assertj.core.data.Offset;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class WeightAverageTest {
  private final Engine engine = Engine.on(Devices.scalar());
  private final Parameter weight = Parameter.weight(engine, 3);
  private final SequencedMap<String, Parameter> parameters =
      new LinkedHashMap<>(Map.of("w", weight));

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private static float[] average(WeightAverage averages) {
    return averages.of("w").toFloats();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void followsTheParameterByItsDecay(boolean recorded) {
    weight.value().set(new float[] {1, 2, 3});
    try (WeightAverage averages = new WeightAverage(engine, parameters, 0.5);
        Program program = Program.record(engine, () -> emitted(averages))) {
      double expected = 1;
      for (int step = 1; step <= 20; step++) {
        weight.value().set(new float[] {step, 0, 0});
        averages.schedule(step);
        if (recorded) {
          program.run();
        } else {
          averages.emitUpdate();
        }
        double decay = Math.min(0.5, (1.0 + step) / (10 + step));
        expected = decay * expected + (1 - decay) * step;
        assertThat((double) average(averages)[0]).isCloseTo(expected, Offset.offset(1e-4));
      }
    }
  }

  private static List<Tensor> emitted(WeightAverage averages) {
    averages.emitUpdate();
    return List.of();
  }

  @Test
  void swapsBitForBitAndBack() {
    weight.value().set(new float[] {1, 2, 3});
    try (WeightAverage averages = new WeightAverage(engine, parameters, 0.9)) {
      weight.value().set(new float[] {0.1f, -0.2f, 1e-30f});
      averages.swap();
      assertThat(weight.value().toFloats()).containsExactly(1, 2, 3);
      assertThat(average(averages)).containsExactly(0.1f, -0.2f, 1e-30f);
      averages.swap();
      assertThat(weight.value().toFloats()).containsExactly(0.1f, -0.2f, 1e-30f);
      assertThat(average(averages)).containsExactly(1, 2, 3);
    }
  }

  @Test
  void refusesADecayThatAveragesNothing() {
    assertThatThrownBy(() -> new WeightAverage(engine, parameters, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("decay 1.0");
  }
}
