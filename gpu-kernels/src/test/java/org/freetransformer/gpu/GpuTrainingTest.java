package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.generate.Generator;
import org.freetransformer.generate.PlanControl;
import org.freetransformer.generate.Sampling;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.StepMetrics;
import org.freetransformer.train.Trainer;
import org.freetransformer.train.TrainingConfig;
import org.freetransformer.train.TrainingConfigBuilder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same model code trains and generates on the GPU device as on the CPU. */
class GpuTrainingTest {
  private record Run(List<StepMetrics> steps, List<List<Integer>> tokens) {}

  /** A small model on plan-letters. */
  static RunConfig config(UnaryOperator<TrainingConfigBuilder> how) {
    ModelConfig model =
        ModelConfig.builder()
            .vocabSize(29)
            .hiddenDim(16)
            .numLayers(2)
            .numHeads(2)
            .numKvHeads(1)
            .ffnHiddenDim(24)
            .maxSeqLen(66)
            .latentDim(4)
            .dropout(0.1)
            .build();
    TrainingConfigBuilder training =
        TrainingConfig.builder().batchSize(2).maxSteps(6).warmupSteps(1).learningRate(3e-3);
    return new RunConfig(model, how.apply(training).build(), DataConfig.planLetters(1));
  }

  private static Run run(Device device, Precision precision) {
    RunConfig config = config(training -> training.precision(precision));
    List<StepMetrics> steps = new ArrayList<>();
    try (Engine engine = Engine.on(device);
        Trainer trainer = new Trainer(engine, config, Dataset.open(config.data(), _ -> {}))) {
      for (int i = 0; i < 3; i++) {
        steps.add(trainer.next());
      }
      Generator.Request request =
          new Generator.Request(
              List.of(new int[] {3, 28}), 6, Sampling.plain(1), PlanControl.prior(2), Set.of());
      List<List<Integer>> tokens =
          new Generator(trainer.model())
              .generate(request).stream().map(Generator.Sample::tokens).toList();
      return new Run(steps, tokens);
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void trainsAndGeneratesAsTheCpuDoes(Precision precision) {
    Run expected = run(Devices.cpu(1), precision);
    Run actual = run(TornadoVm.open(), precision);
    // Sums in another order now and then round to another number of 16 bits.
    double tolerance = precision.isMixed() ? 2e-3 : 1e-4;
    for (int i = 0; i < expected.steps().size(); i++) {
      StepMetrics known = expected.steps().get(i);
      StepMetrics step = actual.steps().get(i);
      assertThat(step.loss()).isCloseTo(known.loss(), within(tolerance));
      assertThat(step.kl()).isCloseTo(known.kl(), within(tolerance));
      assertThat(step.gradientNorm()).isCloseTo(known.gradientNorm(), within(10 * tolerance));
      assertThat(step.scaling()).isEqualTo(known.scaling());
    }
    assertThat(actual.tokens()).isEqualTo(expected.tokens());
  }
}
