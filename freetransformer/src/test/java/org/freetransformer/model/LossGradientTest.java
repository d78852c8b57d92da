package org.freetransformer.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Predicate;
import org.assertj.core.data.Offset;
import org.freetransformer.data.Batch;
import org.freetransformer.eval.BatchTensors;
import org.freetransformer.eval.Objective;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The loss of a whole model moves as its gradient says: along random directions of each parameter,
 * against central differences. Plans are taken by threshold, and so stand still under small moves.
 */
final class LossGradientTest {
  private static final int LENGTH = 6;
  private static final double STEP = 3e-3;

  private final Engine engine = Engine.on(Devices.scalar());
  private final Random random = new Random(11);

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private static ModelConfigBuilder free(ModelConfig.Latent.Gradient gradient) {
    return SmallModels.config(ModelConfig.Kind.FREE)
        .numLayers(3)
        .latent(new ModelConfig.Latent(gradient, true, ModelConfig.Latent.PostSampler.TABLE));
  }

  private void requireGradients(LanguageModel model, Predicate<String> checked) {
    int[] targets = SmallModels.numbers(random, 2 * LENGTH, 11);
    targets[0] = Batch.IGNORE;
    targets[2 * LENGTH - 1] = Batch.IGNORE;
    Batch batch = new Batch(SmallModels.numbers(random, 2 * LENGTH, 11), targets, 2, LENGTH);
    try (BatchTensors inputs = new BatchTensors(engine, 2, LENGTH);
        Objective objective = new Objective(engine)) {
      inputs.set(batch);
      objective.set(batch.countedTargets(), BatchTensors.countedPlans(batch), 0.1, 0.7);
      try (var _ = engine.scope("test")) {
        objective.of(model, inputs, true).backward();
      }
      List<String> names = model.parameters().keySet().stream().filter(checked).toList();
      assertThat(names).isNotEmpty();
      for (String name : names) {
        requireGradient(model, SmallModels.parameter(model, name), name, objective, inputs);
      }
    }
  }

  private void requireGradient(
      LanguageModel model,
      Parameter parameter,
      String name,
      Objective objective,
      BatchTensors inputs) {
    float[] start = parameter.value().toFloats();
    Tensor gradient = Objects.requireNonNull(parameter.value().grad(), name);
    float[] slopes = gradient.toFloats();
    double norm = 0;
    for (float slope : slopes) {
      norm += (double) slope * slope;
    }
    norm = Math.sqrt(norm);
    // Half along the gradient, so that there is something to see, half anywhere.
    double[] direction = new double[start.length];
    double expected = 0;
    for (int i = 0; i < direction.length; i++) {
      double anywhere = random.nextGaussian() / Math.sqrt(start.length);
      direction[i] = (norm == 0 ? 0 : slopes[i] / norm) + anywhere;
      expected += slopes[i] * direction[i];
    }
    double above = lossAt(model, parameter, start, direction, STEP, objective, inputs);
    double below = lossAt(model, parameter, start, direction, -STEP, objective, inputs);
    parameter.value().set(start);
    assertThat((above - below) / (2 * STEP))
        .as(name)
        .isCloseTo(expected, Offset.offset(3e-4 + 0.02 * Math.abs(expected)));
  }

  private double lossAt(
      LanguageModel model,
      Parameter parameter,
      float[] start,
      double[] direction,
      double step,
      Objective objective,
      BatchTensors inputs) {
    float[] moved = new float[start.length];
    for (int i = 0; i < moved.length; i++) {
      moved[i] = (float) (start[i] + step * direction[i]);
    }
    parameter.value().set(moved);
    try (var _ = engine.scope("test");
        var _ = engine.noGrad()) {
      return objective.of(model, inputs, true).loss().item();
    }
  }

  @Test
  void ofABaseline() {
    try (LanguageModel model =
        SmallModels.scrambled(
            engine, SmallModels.config(ModelConfig.Kind.BASELINE).numLayers(2).build())) {
      requireGradients(model, _ -> true);
    }
  }

  /** With a post-sampler of zeros no gradient takes the detour through the plan. */
  @ParameterizedTest
  @EnumSource
  void ofAFreeTransformerWhosePlanSaysNothingYet(ModelConfig.Latent.Gradient gradient) {
    try (LanguageModel model = SmallModels.scrambled(engine, free(gradient).build())) {
      Tensor table = SmallModels.parameter(model, "latent_plan.post_sampler_fc.weight").value();
      table.set(new float[Math.toIntExact(table.shape().size())]);
      requireGradients(model, _ -> true);
    }
  }

  /** What stands behind the plan has a true gradient whatever the plan says. */
  @ParameterizedTest
  @EnumSource
  void ofWhatStandsBehindThePlan(ModelConfig.Latent.Gradient gradient) {
    try (LanguageModel model =
        SmallModels.scrambled(engine, free(gradient).tieEmbeddings(false).build())) {
      requireGradients(
          model,
          name ->
              name.startsWith("second_half")
                  || name.startsWith("latent_plan")
                  || name.startsWith("norm")
                  || name.startsWith("output"));
    }
  }
}
