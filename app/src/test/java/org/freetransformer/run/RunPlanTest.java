package org.freetransformer.run;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Percentage;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.train.CollapseRemedies;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.SampleWriter;
import org.freetransformer.train.Trainer;
import org.freetransformer.train.TrainingConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunPlanTest {
  private static RunConfig config(
      ModelConfig.Kind kind,
      Precision precision,
      boolean recomputes,
      int batchSize,
      int microBatches) {
    ModelConfig model =
        ModelConfig.builder()
            .kind(kind)
            .vocabSize(29)
            .hiddenDim(48)
            .numLayers(4)
            .numHeads(4)
            .numKvHeads(2)
            .ffnHiddenDim(80)
            .maxSeqLen(66)
            .latentDim(6)
            .dropout(0.1)
            .build();
    TrainingConfig training =
        TrainingConfig.builder()
            .precision(precision)
            .activationCheckpointing(recomputes)
            .batchSize(batchSize)
            .gradientAccumulationSteps(microBatches)
            .build();
    return new RunConfig(model, training, DataConfig.planLetters(1));
  }

  @ParameterizedTest
  @CsvSource({
    "FREE, FP32, false, 4, 1",
    "FREE, BF16, false, 4, 1",
    "FREE, FP16, true, 2, 3",
    "FREE, FP32, true, 8, 1",
    "BASELINE, FP32, false, 2, 2",
    "BASELINE, BF16, true, 4, 1",
    "BASELINE, FP16, false, 1, 4"
  })
  void predictsTheMemoryThatARunThenTakes(
      ModelConfig.Kind kind,
      Precision precision,
      boolean recomputes,
      int batchSize,
      int microBatches) {
    RunConfig config = config(kind, precision, recomputes, batchSize, microBatches);
    RunPlan plan = RunPlan.of(config);
    try (Engine engine = Engine.on(Devices.cpu(2));
        Dataset data = Dataset.open(config.data(), note -> {});
        Trainer trainer = new Trainer(engine, config, data)) {
      trainer.next();
      trainer.next();
      long measured = engine.device().memory().peakBytes();
      assertThat(plan.stepBytes()).isCloseTo(measured, Percentage.withPercentage(10));
      plan.bytes()
          .forEach((kindOfMemory, bytes) -> {
            if (!kindOfMemory.equals(RunPlan.ACTIVATIONS)
                && !kindOfMemory.equals(RunPlan.EVALUATION)
                && !kindOfMemory.equals(RunPlan.SAMPLES)) {
              assertThat(engine.device().memory().liveBytesByOwner())
                  .as(kindOfMemory)
                  .containsEntry(kindOfMemory, bytes);
            }
          });
      trainer.evaluate(1);
      measured = engine.device().memory().peakBytes();
      long evaluated = plan.totalBytes() - plan.bytes().getOrDefault(RunPlan.SAMPLES, 0L);
      assertThat(evaluated).isCloseTo(measured, Percentage.withPercentage(10));
      try (SampleWriter samples = trainer.samples(Tokenizer.of(config.data()))) {
        samples.write();
      }
      measured = engine.device().memory().peakBytes();
      assertThat(plan.totalBytes()).isCloseTo(measured, Percentage.withPercentage(10));
    }
  }

  /** A learning rate of the encoder's own lies in memory beside the others'. */
  @Test
  void plansTheOptimizerThatARunHas() {
    RunConfig plain = config(ModelConfig.Kind.FREE, Precision.FP32, false, 4, 1);
    TrainingConfig training =
        plain.training().toBuilder()
            .remedies(CollapseRemedies.NONE.withEncoderLrRatio(0.5))
            .build();
    RunConfig slower = new RunConfig(plain.model(), training, plain.data());
    try (Engine engine = Engine.on(Devices.cpu(1));
        Dataset data = Dataset.open(slower.data(), note -> {});
        Trainer _ = new Trainer(engine, slower, data)) {
      assertThat(engine.device().memory().liveBytesByOwner())
          .containsEntry("optimizer", RunPlan.of(slower).bytes().getOrDefault("optimizer", 0L));
    }
  }
}
