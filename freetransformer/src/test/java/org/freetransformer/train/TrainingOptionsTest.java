package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.assertj.core.data.Offset;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.SafeTensors;
import org.freetransformer.config.ConfigException;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.TextConfig;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.optim.LearningRateSchedule;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What each option of training does to a run of six steps, and that resuming keeps it. */
final class TrainingOptionsTest {
  private static final int STEPS = 6;

  @TempDir private Path temporary;

  /** A change of the plain run. */
  enum Option {
    PLAIN,
    LINEAR,
    CONSTANT,
    WSD,
    KL_WARM_UP,
    KAPPA_SCHEDULE,
    TARGET_KL,
    ENCODER_RATE,
    DEAD_BITS,
    DEAD_BITS_OF_A_TABLE,
    AVERAGE,
    DROPOUT,
    ALL;

    RunConfig config() {
      ModelConfig model =
          SmallModels.config(ModelConfig.Kind.FREE)
              .numLayers(2)
              .vocabSize(29)
              .maxSeqLen(65)
              .dropout(this == DROPOUT || this == ALL ? 0.3 : 0)
              .latent(
                  new ModelConfig.Latent(
                      ModelConfig.Latent.Gradient.FULL,
                      true,
                      this == DEAD_BITS
                          ? ModelConfig.Latent.PostSampler.BITS
                          : ModelConfig.Latent.PostSampler.TABLE))
              .build();
      DataConfig letters =
          new DataConfig("plan-letters", "./data", 66, TextConfig.DEFAULT, 29, 66, 50_000, 4, 5);
      return new RunConfig(model, training().build(), letters);
    }

    private TrainingConfigBuilder training() {
      TrainingConfigBuilder plain =
          TrainingConfig.builder()
              .batchSize(2)
              .maxSteps(STEPS)
              .warmupSteps(2)
              .learningRate(0.01)
              .kappaFreeBits(0.0001)
              .saveEvery(3)
              .logEvery(2)
              .evalEvery(3);
      CollapseRemedies none = CollapseRemedies.NONE;
      return switch (this) {
        case PLAIN, DROPOUT -> plain;
        case LINEAR -> plain.lrSchedule(LearningRateSchedule.Kind.LINEAR);
        case CONSTANT -> plain.lrSchedule(LearningRateSchedule.Kind.CONSTANT);
        case WSD -> plain.lrSchedule(LearningRateSchedule.Kind.WSD).wsdDecayShare(0.6);
        case KL_WARM_UP -> plain.klWarmupSteps(4);
        case KAPPA_SCHEDULE -> plain.remedies(none.withKappaFrom(0.5, 5));
        case TARGET_KL -> plain.remedies(none.withTargetKl(0.2, 1));
        case ENCODER_RATE -> plain.remedies(none.withEncoderLrRatio(3));
        case DEAD_BITS, DEAD_BITS_OF_A_TABLE ->
            plain.remedies(none.withDeadBitReset(5, Math.log(2)));
        case AVERAGE -> plain.emaDecay(0.9);
        case ALL ->
            plain
                .emaDecay(0.9)
                .klWarmupSteps(4)
                .remedies(
                    none.withKappaFrom(0.5, 5)
                        .withTargetKl(0.2, 1)
                        .withEncoderLrRatio(3)
                        .withDeadBitReset(5, Math.log(2)));
      };
    }
  }

  private record Run(List<StepMetrics> steps, Map<String, List<Float>> weights) {}

  private static Trainer trainer(Engine engine, RunConfig config) {
    return new Trainer(engine, config, Dataset.open(config.data(), _ -> {}));
  }

  private static Map<String, List<Float>> weights(LanguageModel model) {
    Map<String, List<Float>> weights = new TreeMap<>();
    model
        .parameters()
        .forEach((name, parameter) -> {
          List<Float> values = new ArrayList<>();
          for (float value : parameter.value().toFloats()) {
            values.add(value);
          }
          weights.put(name, values);
        });
    return weights;
  }

  /** Trains from the newest checkpoint in a folder until {@code last}. */
  private static Run run(Option option, Path path, int last) throws IOException {
    List<StepMetrics> steps = new ArrayList<>();
    CheckpointFolder folder = new CheckpointFolder(path);
    try (Engine engine = Engine.on(Devices.cpu(1));
        Trainer trainer = trainer(engine, option.config())) {
      folder.newest(Checkpoint.Use.RESUME, _ -> {}).ifPresent(trainer::restore);
      TrainingListener listener =
          new TrainingListener() {
            @Override
            public void onStep(StepMetrics metrics) {
              steps.add(metrics);
            }
          };
      trainer.run(folder, listener, () -> steps.getLast().step() >= last);
      Run run = new Run(steps, weights(trainer.model()));
      trainer.evaluate(1);
      assertThat(weights(trainer.model())).isEqualTo(run.weights());
      return run;
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRunThatGoesOnGivesTheBitsOfOneThatNeverStopped(Option option) throws IOException {
    Path whole = temporary.resolve("whole");
    Path parts = temporary.resolve("parts");
    Run straight = run(option, whole, STEPS);
    List<StepMetrics> steps = new ArrayList<>(run(option, parts, 4).steps());
    Run end = run(option, parts, STEPS);
    steps.addAll(end.steps());
    assertThat(end.weights()).isEqualTo(straight.weights());
    assertThat(steps)
        .usingRecursiveComparison()
        .withEqualsForType((a, b) -> Double.compare(a, b) == 0, Double.class)
        .isEqualTo(straight.steps());
    try (var files = Files.list(whole.resolve("step-6"))) {
      for (Path file : files.toList()) {
        assertThat(parts.resolve("step-6").resolve(file.getFileName()))
            .hasSameBinaryContentAs(file);
      }
    }
  }

  /** All but the average change what is trained; the average only what is saved. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"PLAIN", "AVERAGE", "DEAD_BITS"})
  void everyOptionChangesTheWeights(Option option) throws IOException {
    Run plain = run(Option.PLAIN, temporary.resolve("plain"), STEPS);
    Run other = run(option, temporary.resolve("other"), STEPS);
    assertThat(other.weights()).isNotEqualTo(plain.weights());
  }

  @Test
  void freeBitsFollowTheirSchedule() throws IOException {
    Run run = run(Option.KAPPA_SCHEDULE, temporary, STEPS);
    double[] expected = {0.40002, 0.30004, 0.20006, 0.10008, 0.0001, 0.0001};
    for (int i = 0; i < STEPS; i++) {
      assertThat(run.steps().get(i).kappa()).isCloseTo(expected[i], Offset.offset(1e-12));
    }
  }

  @Test
  void deadBitsAreDrawnAnewAtTheEndOfTheirWatch() throws IOException {
    Run plain = run(Option.DEAD_BITS_OF_A_TABLE, temporary.resolve("five"), 4);
    Run redrawn = run(Option.DEAD_BITS_OF_A_TABLE, temporary.resolve("five"), 5);
    assertThat(plain.steps()).allMatch(step -> step.redrawnBits().isEmpty());
    assertThat(redrawn.steps().getFirst().redrawnBits()).containsExactly(0, 1, 2);
    Run without = run(Option.PLAIN, temporary.resolve("without"), 5);
    without
        .weights()
        .forEach((name, values) -> {
          boolean ofBits =
              name.equals("encoder.readout.weight")
                  || name.equals("latent_plan.post_sampler_fc.weight");
          assertThat(values.equals(redrawn.weights().get(name))).as(name).isEqualTo(!ofBits);
        });
  }

  @Test
  void updateRatiosStandOnLoggedSteps() throws IOException {
    List<StepMetrics> steps = run(Option.ENCODER_RATE, temporary, STEPS).steps();
    for (StepMetrics step : steps) {
      if (step.step() % 2 == 0) {
        assertThat(step.updateRatios().keySet())
            .containsExactly(
                "token_embedding",
                "first_half_blocks",
                "encoder",
                "latent_plan",
                "second_half_blocks",
                "norm");
        assertThat(step.updateRatios().values()).allMatch(ratio -> ratio >= 0 && ratio < 2);
      } else {
        assertThat(step.updateRatios()).isEmpty();
      }
    }
    double ratio = Objects.requireNonNull(steps.getLast().updateRatios().get("encoder"));
    double plain =
        Objects.requireNonNull(
            run(Option.PLAIN, temporary.resolve("plain"), STEPS)
                .steps()
                .getLast()
                .updateRatios()
                .get("encoder"));
    assertThat(ratio).isGreaterThan(1.5 * plain);
  }

  @Test
  void theAverageIsWhatIsSavedAndEvaluated() throws IOException {
    Run plain = run(Option.PLAIN, temporary.resolve("plain"), STEPS);
    Run averaged = run(Option.AVERAGE, temporary.resolve("averaged"), STEPS);
    assertThat(averaged.weights()).isEqualTo(plain.weights());
    Path step = temporary.resolve("averaged/step-6");
    try (Engine engine = Engine.on(Devices.cpu(1));
        Trainer trainer = trainer(engine, Option.AVERAGE.config())) {
      trainer.restore(Checkpoint.open(step, Checkpoint.Use.RESUME));
      double inRun = trainer.evaluate(2).nllBound();
      try (Trainer other = trainer(engine, Option.PLAIN.config());
          SafeTensors saved = Checkpoint.open(step, Checkpoint.Use.RESUME).openModel()) {
        ModelFile.read(saved, other.model());
        assertThat(weights(other.model())).isNotEqualTo(plain.weights());
        assertThat(other.evaluate(2).nllBound()).isEqualTo(inRun);
      }
    }
  }

  @Test
  void dropoutIsOffInEvaluation() {
    try (Engine engine = Engine.on(Devices.cpu(1));
        Trainer plain = trainer(engine, Option.PLAIN.config());
        Trainer dropping = trainer(engine, Option.DROPOUT.config())) {
      assertThat(weights(dropping.model())).isEqualTo(weights(plain.model()));
      assertThat(dropping.evaluate(2).nllBound()).isEqualTo(plain.evaluate(2).nllBound());
      assertThat(dropping.next().loss()).isNotEqualTo(plain.next().loss());
    }
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatThrownBy(() -> CollapseRemedies.NONE.withKappaFrom(0.5, 0))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("kappa_schedule_steps");
    assertThatThrownBy(() -> CollapseRemedies.NONE.withEncoderLrRatio(0))
        .hasMessageContaining("encoder_lr_ratio");
    assertThatThrownBy(() -> CollapseRemedies.NONE.withTargetKl(-1, 1))
        .hasMessageContaining("target_kl");
    assertThatThrownBy(() -> CollapseRemedies.NONE.withDeadBitReset(5, 1))
        .hasMessageContaining("dead_bit_kl");
    assertThatThrownBy(() -> TrainingConfig.builder().emaDecay(1).build())
        .hasMessageContaining("ema_decay");
    assertThatThrownBy(() -> TrainingConfig.builder().wsdDecayShare(0).build())
        .hasMessageContaining("wsd_decay_share");
  }
}
