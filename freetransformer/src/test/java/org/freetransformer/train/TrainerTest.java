package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.checkpoint.CheckpointState;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.TextConfig;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.optim.LossScaler;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Short runs on plan-letters with a model of two layers. */
final class TrainerTest {
  @TempDir private Path temporary;

  private static RunConfig config(ModelConfig.Kind kind, int steps) {
    ModelConfig model =
        SmallModels.config(kind)
            .numLayers(2)
            .vocabSize(29)
            .maxSeqLen(65)
            .dropout(0.1)
            .attentionDropout(0.1)
            .build();
    TrainingConfig training =
        TrainingConfig.builder()
            .batchSize(2)
            .gradientAccumulationSteps(2)
            .maxSteps(steps)
            .warmupSteps(2)
            .klWarmupSteps(4)
            .learningRate(0.01)
            .saveEvery(3)
            .evalEvery(1000)
            .build();
    return new RunConfig(model, training, DataConfig.planLetters(5));
  }

  private static RunConfig config() {
    return config(ModelConfig.Kind.FREE, 6);
  }

  private static Trainer trainer(Engine engine, RunConfig config) {
    return new Trainer(engine, config, Dataset.open(config.data(), _ -> {}));
  }

  private static Map<String, float[]> weights(Trainer trainer) {
    Map<String, float[]> weights = new LinkedHashMap<>();
    trainer
        .model()
        .parameters()
        .forEach((name, parameter) -> weights.put(name, parameter.value().toFloats()));
    return weights;
  }

  private static void requireSame(Map<String, float[]> found, Map<String, float[]> expected) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
  }

  /** Weights after some steps, with evaluations in between or not. */
  private static Map<String, float[]> trained(RunConfig config, int threads, boolean evaluating) {
    try (Engine engine = Engine.on(Devices.cpu(threads));
        Trainer trainer = trainer(engine, config)) {
      while (!trainer.isDone()) {
        trainer.next();
        if (evaluating) {
          Evaluation once = trainer.evaluate(2);
          assertThat(trainer.evaluate(2))
              .usingRecursiveComparison()
              .withEqualsForType((a, b) -> Double.compare(a, b) == 0, Double.class)
              .isEqualTo(once);
        }
      }
      return weights(trainer);
    }
  }

  @ParameterizedTest
  @EnumSource
  void sameSeedSameBitsWhateverTheThreadsAndTheEvaluations(ModelConfig.Kind kind) {
    Map<String, float[]> one = trained(config(kind, 3), 1, false);
    requireSame(trained(config(kind, 3), 2, false), one);
    requireSame(trained(config(kind, 3), 1, true), one);
    RunConfig plain = config(kind, 3);
    TrainingConfig reseeded = plain.training().toBuilder().seed(43).build();
    Map<String, float[]> other =
        trained(new RunConfig(plain.model(), reseeded, plain.data()), 1, false);
    assertThat(other.get("token_embedding.weight")).isNotEqualTo(one.get("token_embedding.weight"));
  }

  /** With the loss scale, its steps and its count of skipped ones. */
  @Test
  void aRunInSixteenBitsGoesOnTheSame() throws IOException {
    RunConfig plain = config();
    TrainingConfig half =
        plain.training().toBuilder()
            .precision(Precision.FP16)
            .activationCheckpointing(true)
            .build();
    RunConfig config = new RunConfig(plain.model(), half, plain.data());
    Checkpoint saved;
    @Nullable StepMetrics last = null;
    Map<String, float[]> expected;
    try (Engine engine = Engine.on(Devices.cpu(2));
        Trainer trainer = trainer(engine, config)) {
      trainer.next();
      trainer.next();
      saved = trainer.save(new CheckpointFolder(temporary), OptionalDouble.empty());
      while (!trainer.isDone()) {
        last = trainer.next();
      }
      expected = weights(trainer);
    }
    // Activations may be kept after all: the numbers are the same.
    TrainingConfig keeping = half.toBuilder().activationCheckpointing(false).build();
    RunConfig other = new RunConfig(plain.model(), keeping, plain.data());
    try (Engine engine = Engine.on(Devices.cpu(1));
        Trainer trainer = trainer(engine, other)) {
      trainer.restore(saved);
      @Nullable StepMetrics found = null;
      while (!trainer.isDone()) {
        found = trainer.next();
      }
      requireSame(weights(trainer), expected);
      assertThat(found).usingRecursiveComparison().isEqualTo(last);
      assertThat(Objects.requireNonNull(found).scaling())
          .isEqualTo(new LossScaler.State(0x1p16, 6, 0));
    }
  }

  @Test
  void aRunThatGoesOnFromACheckpointGivesTheBitsOfOneThatNeverStopped() throws IOException {
    CheckpointFolder straight = new CheckpointFolder(temporary.resolve("straight"));
    CheckpointFolder broken = new CheckpointFolder(temporary.resolve("broken"));
    List<StepMetrics> expected = new ArrayList<>();
    List<StepMetrics> found = new ArrayList<>();
    Map<String, float[]> end;
    try (Engine engine = Engine.on(Devices.scalar());
        Trainer trainer = trainer(engine, config())) {
      assertThat(trainer.run(straight, collecting(expected), () -> false)).isTrue();
      end = weights(trainer);
    }
    try (Engine engine = Engine.on(Devices.scalar());
        Trainer trainer = trainer(engine, config())) {
      assertThat(trainer.run(broken, collecting(found), () -> found.size() == 4)).isFalse();
      assertThat(trainer.stepsDone()).isEqualTo(4);
    }
    try (Engine engine = Engine.on(Devices.scalar());
        Trainer trainer = trainer(engine, config())) {
      Checkpoint newest = broken.newest(Checkpoint.Use.RESUME, _ -> {}).orElseThrow();
      assertThat(newest.state().step()).isEqualTo(4);
      trainer.restore(newest);
      assertThat(trainer.run(broken, collecting(found), () -> false)).isTrue();
      requireSame(weights(trainer), end);
    }
    assertThat(found)
        .usingRecursiveComparison()
        .withEqualsForType((a, b) -> Double.compare(a, b) == 0, Double.class)
        .isEqualTo(expected);
    for (String file :
        List.of("model.safetensors", "optimizer.safetensors", "parts.safetensors", "state.json")) {
      assertThat(temporary.resolve("broken/step-6").resolve(file))
          .hasSameBinaryContentAs(temporary.resolve("straight/step-6").resolve(file));
    }
  }

  private static TrainingListener collecting(List<StepMetrics> steps) {
    return new TrainingListener() {
      @Override
      public void onStep(StepMetrics metrics) {
        steps.add(metrics);
      }
    };
  }

  @Test
  void aSaveThatFailsLeavesEarlierCheckpoints() throws IOException {
    Path path = temporary.resolve("checkpoints");
    CheckpointFolder folder = new CheckpointFolder(path);
    try (Engine engine = Engine.on(Devices.scalar());
        Trainer trainer = trainer(engine, config())) {
      trainer.next();
      trainer.save(folder, OptionalDouble.empty());
      trainer.next();
      Path notAFolder = Files.createFile(temporary.resolve("file")); // Stops even root.
      assertThatThrownBy(
              () -> trainer.save(new CheckpointFolder(notAFolder), OptionalDouble.empty()))
          .isInstanceOf(IOException.class)
          .message()
          .doesNotContain("\n");
      assertThat(folder.newest(Checkpoint.Use.RESUME, _ -> {}).orElseThrow().state().step())
          .isEqualTo(1);
      trainer.next();
      assertThat(trainer.save(folder, OptionalDouble.empty()).state().step()).isEqualTo(3);
    }
  }

  @Test
  void refusesTheCheckpointOfARunWithOtherSettings() throws IOException {
    CheckpointFolder folder = new CheckpointFolder(temporary.resolve("checkpoints"));
    RunConfig config = config();
    try (Engine engine = Engine.on(Devices.scalar());
        Trainer trainer = trainer(engine, config)) {
      trainer.save(folder, OptionalDouble.empty());
    }
    Checkpoint saved = folder.newest(Checkpoint.Use.RESUME, _ -> {}).orElseThrow();
    TrainingConfig reseeded = config.training().toBuilder().seed(1).learningRate(0.5).build();
    requireRefused(
        saved,
        new RunConfig(config.model(), reseeded, config.data()),
        "training.learning_rate was 0.01 and is now 0.5, training.seed was 42 and is now 1; ");
    ModelConfig otherModel = config.model().toBuilder().ropeTheta(7).dropout(0).build();
    requireRefused(
        saved,
        new RunConfig(otherModel, config.training(), config.data()),
        "model.dropout was 0.1 and is now 0.0, model.rope_theta was 10000.0 and is now 7.0; ");
    requireRefused(
        saved,
        new RunConfig(config.model(), config.training(), DataConfig.planLetters(6)),
        "data.seed was 5 and is now 6");
    TrainingConfig longer =
        config.training().toBuilder()
            .maxSteps(60)
            .saveEvery(4)
            .evalEvery(5)
            .logEvery(6)
            .keepLast(7)
            .keepBest(8)
            .checkpointDir("elsewhere")
            .build();
    try (Engine engine = Engine.on(Devices.scalar());
        Trainer trainer = trainer(engine, new RunConfig(config.model(), longer, config.data()))) {
      trainer.restore(saved);
    }
  }

  @Test
  void refusesOtherDataUnderTheSameSettings() throws IOException {
    Path text = temporary.resolve("text");
    Files.writeString(text, "All the same, but not the same. ".repeat(200));
    ModelConfig model =
        SmallModels.config(ModelConfig.Kind.FREE).vocabSize(256).maxSeqLen(16).build();
    TextConfig how = TextConfig.DEFAULT.withCacheDir(temporary.resolve("cache").toString());
    DataConfig data = new DataConfig("text", text.toString(), 16, how, 1, 2, 1, 1, 3);
    RunConfig config =
        new RunConfig(model, TrainingConfig.builder().batchSize(2).maxSteps(2).build(), data);
    CheckpointFolder folder = new CheckpointFolder(temporary.resolve("checkpoints"));
    try (Engine engine = Engine.on(Devices.scalar());
        Trainer trainer = trainer(engine, config)) {
      trainer.save(folder, OptionalDouble.empty());
    }
    Checkpoint saved = folder.newest(Checkpoint.Use.RESUME, _ -> {}).orElseThrow();
    Path moved = Files.copy(text, temporary.resolve("moved"));
    DataConfig elsewhere = new DataConfig("text", moved.toString(), 16, how, 1, 2, 1, 1, 3);
    RunConfig again = new RunConfig(model, config.training(), elsewhere);
    try (Engine engine = Engine.on(Devices.scalar());
        Trainer trainer = trainer(engine, again)) {
      trainer.restore(saved);
    }
    Files.writeString(moved, "All the same, but not the sane. ".repeat(200));
    requireRefused(saved, again, "its first batch is not the one of the saved run");
    Files.writeString(moved, "All the same, but not the same. ".repeat(100));
    requireRefused(saved, again, "held-out examples, and had");
  }

  /** Neither in what is saved nor in what follows. */
  @Test
  void aStepThatIsNotFiniteLeavesNoTrace() throws IOException {
    RunConfig config = config(ModelConfig.Kind.FREE, 3);
    Map<String, float[]> untroubled = trained(config, 1, false);
    try (Engine engine = Engine.on(Devices.cpu(1));
        Trainer trainer = trainer(engine, config)) {
      trainer.next();
      Tensor embedding = SmallModels.parameter(trainer.model(), "token_embedding.weight").value();
      float[] good = embedding.toFloats();
      float[] bad = good.clone();
      Arrays.fill(bad, Float.NaN);
      embedding.set(bad);
      assertThatThrownBy(trainer::next)
          .isInstanceOf(NonFiniteException.class)
          .hasMessageStartingWith("step 2: ");
      assertThat(trainer.stepsDone()).isEqualTo(1);
      embedding.set(good);
      CheckpointFolder folder = new CheckpointFolder(temporary);
      CheckpointState state = trainer.save(folder, OptionalDouble.empty()).state();
      assertThat(state.step()).isEqualTo(1);
      assertThat(state.dataPosition()).isEqualTo(4);
      while (!trainer.isDone()) {
        trainer.next();
      }
      requireSame(weights(trainer), untroubled);
    }
  }

  private static void requireRefused(Checkpoint saved, RunConfig config, String problem) {
    try (Engine engine = Engine.on(Devices.scalar());
        Trainer other = trainer(engine, config)) {
      assertThatThrownBy(() -> other.restore(saved))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(problem);
    }
  }
}
