package org.freetransformer.nn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SequencedMap;
import org.assertj.core.data.Offset;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class AdamWTest {
  private static final double RATE = 0.01;
  private static final AdamW.Config CONFIG = new AdamW.Config(0.9, 0.95, 1e-8, 0.1);

  private final Engine engine = Engine.on(Devices.scalar());
  private final Random random = new Random(1);
  private final SequencedMap<String, Parameter> parameters = new LinkedHashMap<>();

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  /** AdamW of one parameter in doubles. */
  private static final class Plain {
    private final double[] value;
    private final double[] first;
    private final double[] second;
    private final double decay;

    Plain(Parameter parameter) {
      value = parameter.value().toDoubles();
      first = new double[value.length];
      second = new double[value.length];
      decay = parameter.isDecayed() ? CONFIG.weightDecay() : 0;
    }

    void update(int step, double scale, float... gradient) {
      for (int i = 0; i < value.length; i++) {
        double g = gradient[i] * scale;
        first[i] = CONFIG.beta1() * first[i] + (1 - CONFIG.beta1()) * g;
        second[i] = CONFIG.beta2() * second[i] + (1 - CONFIG.beta2()) * g * g;
        double mean = first[i] / (1 - Math.pow(CONFIG.beta1(), step));
        double square = second[i] / (1 - Math.pow(CONFIG.beta2(), step));
        value[i] -= RATE * decay * value[i];
        value[i] -= RATE * mean / (Math.sqrt(square) + CONFIG.epsilon());
      }
    }
  }

  private float[] normals(long size, double deviation) {
    float[] values = new float[Math.toIntExact(size)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return values;
  }

  private static Tensor gradient(Parameter parameter) {
    return Objects.requireNonNull(parameter.value().grad());
  }

  /** Gradients are far above the limit in odd steps and below it in even ones. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void isPlainAdamWWithClippingOverSeveralSteps(boolean recorded) {
    parameters.put("w", Parameter.weight(engine, 3, 5));
    parameters.put("scale", Parameter.scale(engine, 7));
    parameters.put("zeta", Parameter.vector(engine, 4));
    List<Plain> plain = parameters.values().stream().map(Plain::new).toList();
    try (AdamW optimizer = new AdamW(engine, parameters, CONFIG)) {
      Program program = recorded ? Program.record(engine, () -> update(optimizer)) : null;
      for (int step = 1; step <= 6; step++) {
        double squares = 0;
        List<float[]> gradients =
            List.of(normals(15, step % 2 == 1 ? 10 : 0.01), normals(7, 0.02), normals(4, 0.02));
        int at = 0;
        for (Parameter parameter : parameters.values()) {
          float[] g = gradients.get(at++);
          gradient(parameter).set(g);
          for (float value : g) {
            squares += value * value;
          }
        }
        double norm = Math.sqrt(squares);
        optimizer.schedule(step, RATE);
        double found = norm(program, optimizer);
        assertThat(found).isCloseTo(norm, Offset.offset(1e-4 * norm));
        at = 0;
        for (Parameter parameter : parameters.values()) {
          Plain expected = plain.get(at);
          expected.update(step, Math.min(1, 1 / (norm + 1e-6)), gradients.get(at++));
          assertThat(parameter.value().toDoubles())
              .usingComparatorWithPrecision(1e-6)
              .containsExactly(expected.value);
          assertThat(gradient(parameter).toDoubles()).containsOnly(0);
        }
      }
      if (program != null) {
        program.close();
      }
    }
  }

  private List<Tensor> update(AdamW optimizer) {
    GradientClipping.Clipped clipped = GradientClipping.clip(engine, parameters, 1);
    optimizer.emitUpdate(clipped.scale());
    return List.of(clipped.norm());
  }

  private double norm(@Nullable Program program, AdamW optimizer) {
    if (program == null) {
      return update(optimizer).getFirst().item();
    }
    program.run();
    return program.outputs().getFirst().item();
  }

  @Test
  void decaysWeightsOnlyWhereNoGradientPulls() {
    parameters.put("w", Parameter.weight(engine, 2, 2));
    parameters.put("norm", Parameter.scale(engine, 2));
    float[] before = Objects.requireNonNull(parameters.get("w")).value().toFloats();
    try (AdamW optimizer = new AdamW(engine, parameters, CONFIG)) {
      optimizer.schedule(1, RATE);
      update(optimizer);
      float[] after = Objects.requireNonNull(parameters.get("w")).value().toFloats();
      for (int i = 0; i < before.length; i++) {
        assertThat(after[i]).isCloseTo(before[i] * (1 - 0.001f), Offset.offset(1e-7f));
      }
      assertThat(Objects.requireNonNull(parameters.get("norm")).value().toFloats()).containsOnly(1);
    }
  }

  @Test
  void leavesFrozenParametersAsTheyAre() {
    parameters.put("w", Parameter.weight(engine, 2, 2));
    parameters.put("frozen", Parameter.weight(engine, 3));
    parameter("frozen").freeze();
    float[] before = parameter("frozen").value().toFloats();
    try (AdamW optimizer = new AdamW(engine, parameters, CONFIG);
        UpdateSizes sizes = new UpdateSizes(engine, optimizer)) {
      gradient(parameter("w")).set(new float[] {0, 3, 0, 4});
      optimizer.schedule(1, RATE);
      assertThat(update(optimizer).getFirst().item()).isEqualTo(5);
      assertThat(parameter("frozen").value().toFloats()).isEqualTo(before);
      assertThat(parameter("frozen").value().grad()).isNull();
      assertThat(sizes.ofLastUpdate()).containsOnlyKeys("w");
      optimizer.emitDiscard();
      assertThatThrownBy(() -> optimizer.moments("frozen"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("no trained parameter is named 'frozen'");
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1})
  void clipsNothingWithoutALimit(double limit) {
    parameters.put("w", Parameter.weight(engine, 2));
    try (AdamW _ = new AdamW(engine, parameters, CONFIG)) {
      gradient(Objects.requireNonNull(parameters.get("w"))).set(new float[] {300, 400});
      GradientClipping.Clipped clipped = GradientClipping.clip(engine, parameters, limit);
      assertThat(clipped.norm().item()).isEqualTo(500);
      assertThat(clipped.scale().item()).isEqualTo(1);
    }
  }

  @Test
  void namesWhatIsWrong() {
    parameters.put("w", Parameter.weight(engine, 2));
    assertThatThrownBy(() -> GradientClipping.clip(engine, parameters, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("parameter 'w' has no gradient");
    try (AdamW optimizer = new AdamW(engine, parameters, CONFIG)) {
      assertThatThrownBy(() -> optimizer.moments("v"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'v'");
    }
    assertThatThrownBy(() -> new AdamW.Config(1, 0.9, 1e-8, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("beta1 1.0");
    assertThatThrownBy(() -> new AdamW.Config(0.9, 0.9, Double.NaN, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("epsilon NaN");
  }

  private Parameter parameter(String name) {
    return Objects.requireNonNull(parameters.get(name), name);
  }

  @Test
  void aGroupHasAMultipleOfTheCommonRate() {
    parameters.put("slow.w", Parameter.zeros(engine, false, 2));
    parameters.put("fast.w", Parameter.zeros(engine, false, 2));
    try (AdamW optimizer =
        new AdamW(engine, parameters, CONFIG, name -> name.startsWith("fast") ? 3 : 1)) {
      gradient(parameter("slow.w")).set(new float[] {1, -2});
      gradient(parameter("fast.w")).set(new float[] {1, -2});
      optimizer.schedule(1, RATE);
      update(optimizer);
      float[] slow = parameter("slow.w").value().toFloats();
      float[] fast = parameter("fast.w").value().toFloats();
      assertThat(slow[0]).isCloseTo(-0.01f, Offset.offset(1e-6f));
      assertThat(fast[0]).isCloseTo(3 * slow[0], Offset.offset(1e-7f));
      assertThat(fast[1]).isCloseTo(3 * slow[1], Offset.offset(1e-7f));
    }
  }

  @Test
  void tellsHowFarTheLastUpdateMoved() {
    parameters.put("w", Parameter.weight(engine, 30, 50));
    try (AdamW optimizer = new AdamW(engine, parameters, CONFIG);
        UpdateSizes sizes = new UpdateSizes(engine, optimizer)) {
      for (int step = 1; step <= 3; step++) {
        gradient(parameter("w")).set(normals(1500, 0.01));
        double[] before = parameter("w").value().toDoubles();
        optimizer.schedule(step, RATE);
        update(optimizer);
        double[] after = parameter("w").value().toDoubles();
        double moved = 0;
        double size = 0;
        for (int i = 0; i < before.length; i++) {
          moved += (after[i] - before[i]) * (after[i] - before[i]);
          size += after[i] * after[i];
        }
        UpdateSizes.Movement told = Objects.requireNonNull(sizes.ofLastUpdate().get("w"));
        assertThat(told.moved()).isCloseTo(moved, Offset.offset(1e-4 * moved));
        assertThat(told.size()).isCloseTo(size, Offset.offset(1e-4 * size));
      }
    }
  }

  @Test
  void forgetsAPartOfAParameter() {
    parameters.put("w", Parameter.weight(engine, 2, 3));
    try (AdamW optimizer = new AdamW(engine, parameters, CONFIG)) {
      gradient(parameter("w")).set(new float[] {1, 1, 1, 1, 1, 1});
      optimizer.schedule(1, RATE);
      update(optimizer);
      float m = optimizer.moments("w").first().toFloats()[0];
      optimizer.forget("w", 1, 2);
      assertThat(optimizer.moments("w").first().toFloats()).containsExactly(m, m, 0, m, m, 0);
      assertThat(optimizer.moments("w").second().toFloats()[2]).isZero();
    }
  }
}
