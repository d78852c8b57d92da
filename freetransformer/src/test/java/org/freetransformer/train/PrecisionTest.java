package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.freetransformer.data.Batch;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.LossScaler;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.Instruction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Steps in 16 bits, and steps that compute activations again, against plain ones. */
final class PrecisionTest {
  private static final int LENGTH = 9;
  private static final AdamW.Config ADAM = new AdamW.Config(0.9, 0.95, 1e-8, 0.1);

  private final Engine engine = Engine.on(Devices.cpu(2));

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private static TrainingConfigBuilder training() {
    return TrainingConfig.builder().batchSize(3).gradClip(0.5);
  }

  private static ModelConfig model(ModelConfig.Kind kind) {
    return SmallModels.config(kind).dropout(0.2).attentionDropout(0.1).build();
  }

  private static Batch batch(Random random) {
    int[] targets = SmallModels.numbers(random, 3 * LENGTH, 11);
    Arrays.fill(targets, 0, 4, Batch.IGNORE);
    return new Batch(SmallModels.numbers(random, 3 * LENGTH, 11), targets, 3, LENGTH);
  }

  /** What a run of some steps gives. */
  @SuppressWarnings("ArrayRecordComponent") // For its numbers; equality means nothing.
  private record Run(List<StepMetrics> steps, float[] weights, long arenaBytes) {}

  private Run run(ModelConfig config, TrainingConfig training, int steps) {
    Random random = new Random(4);
    engine.random().seed(1);
    try (LanguageModel model = SmallModels.scrambled(engine, config);
        AdamW optimizer = new AdamW(engine, model.parameters(), ADAM);
        TrainingStep step = new TrainingStep(model, optimizer, training, LENGTH)) {
      List<StepMetrics> metrics = new ArrayList<>();
      for (int i = 1; i <= steps; i++) {
        metrics.add(step.run(i, 0.003, List.of(batch(random), batch(random)), 0));
      }
      return new Run(metrics, weights(model), step.microStep().arenaBytes());
    }
  }

  private static float[] weights(LanguageModel model) {
    List<float[]> all =
        model.parameters().values().stream().map(p -> p.value().toFloats()).toList();
    float[] flat = new float[all.stream().mapToInt(values -> values.length).sum()];
    int at = 0;
    for (float[] values : all) {
      System.arraycopy(values, 0, flat, at, values.length);
      at += values.length;
    }
    return flat;
  }

  @ParameterizedTest
  @CsvSource({"FREE, FP32", "FREE, BF16", "FREE, FP16", "BASELINE, FP32", "BASELINE, BF16"})
  void activationsComputedAgainGiveTheSameBitsInLessMemory(
      ModelConfig.Kind kind, Precision precision) {
    TrainingConfig plain = training().precision(precision).build();
    Run kept = run(model(kind), plain, 3);
    Run again = run(model(kind), plain.toBuilder().activationCheckpointing(true).build(), 3);
    assertThat(again.weights()).containsExactly(kept.weights());
    assertThat(again.steps().getLast().gradientNorm())
        .isEqualTo(kept.steps().getLast().gradientNorm());
    assertThat(again.arenaBytes()).isLessThan(kept.arenaBytes() * 7 / 10);
  }

  @ParameterizedTest
  @EnumSource
  void sixteenBitsGiveNearlyTheSameStepInLessMemory(ModelConfig.Kind kind) {
    ModelConfig config = model(kind);
    Run full = run(config, training().build(), 1);
    for (Precision precision : List.of(Precision.BF16, Precision.FP16)) {
      Run half = run(config, training().precision(precision).build(), 1);
      double error = precision == Precision.BF16 ? 0.05 : 0.01;
      assertThat(half.steps().getFirst().loss()).isNotEqualTo(full.steps().getFirst().loss());
      assertThat(half.steps().getFirst().loss() / full.steps().getFirst().loss())
          .isBetween(1 - error, 1 + error);
      assertThat(half.steps().getFirst().gradientNorm() / full.steps().getFirst().gradientNorm())
          .isBetween(1 - 4 * error, 1 + 4 * error);
      assertThat(half.arenaBytes()).isLessThan(full.arenaBytes() * 8 / 10);
    }
  }

  /** The policy as the recorded step shows it. */
  @Test
  void productsReadSixteenBitsAndAllElseIsInFull() {
    ModelConfig config = model(ModelConfig.Kind.FREE);
    TrainingConfig training = training().precision(Precision.BF16).build();
    try (LanguageModel model = SmallModels.scrambled(engine, config);
        AdamW optimizer = new AdamW(engine, model.parameters(), ADAM);
        TrainingStep step = new TrainingStep(model, optimizer, training, LENGTH)) {
      long matrices =
          model.parameters().values().stream().filter(p -> p.value().shape().rank() == 2).count();
      int lookedUp = config.tieEmbeddings() ? 1 : 2; // The plan's table, and the embedding.
      assertThat(step.parts().getFirst().program().instructions())
          .as("one cast a step for each matrix that a linear layer reads")
          .hasSize((int) matrices - lookedUp)
          .allMatch(i -> i instanceof Instruction.Copy);
      for (Instruction instruction : step.microStep().instructions()) {
        switch (instruction) {
          case Instruction.MatMul product -> {
            boolean weightGradient = product.out().accumulate() && isExternal(product, step);
            assertThat(isHalf(product.a()) || isHalf(product.b())).isTrue();
            assertThat(weightGradient && isHalf(product.out().buffer())).isFalse();
          }
          case Instruction.Attention attention -> {
            assertThat(List.of(attention.q(), attention.k(), attention.v(), attention.out()))
                .allMatch(PrecisionTest::isHalf);
            assertThat(isHalf(attention.lse())).isFalse();
          }
          case Instruction.RmsNorm norm -> {
            assertThat(isHalf(norm.x()) || isHalf(norm.weight()) || isHalf(norm.rstd())).isFalse();
            assertThat(isHalf(norm.out().buffer())).isTrue();
          }
          case Instruction.SwiGlu gate -> assertThat(gate.reads()).allMatch(PrecisionTest::isHalf);
          case Instruction.Copy copy -> {}
          case Instruction.Rope rope -> assertThat(isHalf(rope.x())).isTrue();
          case Instruction.AttentionBackward back -> assertThat(isHalf(back.q())).isTrue();
          case Instruction.SwiGluBackward back -> assertThat(isHalf(back.dy())).isTrue();
          case Instruction.RmsNormBackward back -> assertThat(isHalf(back.x())).isFalse();
          default -> {
            assertThat(instruction.reads()).noneMatch(PrecisionTest::isHalf);
            assertThat(instruction.writes()).noneMatch(PrecisionTest::isHalf);
          }
        }
      }
    }
  }

  private static boolean isExternal(Instruction.MatMul product, TrainingStep step) {
    return step.parts().getLast().program().instructions().stream()
        .flatMap(i -> i.reads().stream())
        .anyMatch(read -> read.storage().equals(product.out().buffer().storage()));
  }

  private static boolean isHalf(Buffer buffer) {
    return buffer.dtype() == DType.BF16 || buffer.dtype() == DType.F16;
  }

  @Test
  void aStepThatOverflowsIsSkippedAndCountedAndTheNextOneTrains() {
    ModelConfig config = model(ModelConfig.Kind.FREE);
    TrainingConfig training = training().precision(Precision.FP16).build();
    Random random = new Random(4);
    try (LanguageModel model = SmallModels.scrambled(engine, config);
        AdamW optimizer = new AdamW(engine, model.parameters(), ADAM);
        TrainingStep step = new TrainingStep(model, optimizer, training, LENGTH)) {
      float[] weights = weights(model);
      // Weights of 90: gradients that come back through them, times 2^16, are beyond 65504.
      float[] embedding = scaleEmbedding(model, 300f);
      StepMetrics bad = step.run(1, 0.003, List.of(batch(random)), 0);
      assertThat(bad.loss()).isFinite();
      assertThat(Double.isFinite(bad.gradientNorm())).isFalse();
      assertThat(bad.scaling()).isEqualTo(new LossScaler.State(0x1p15, 0, 1));
      SmallModels.parameter(model, "token_embedding.weight").value().set(embedding);
      assertThat(weights(model)).containsExactly(weights);
      StepMetrics good = step.run(2, 0.003, List.of(batch(random)), 0);
      assertThat(good.gradientNorm()).isFinite().isPositive();
      assertThat(good.scaling()).isEqualTo(new LossScaler.State(0x1p15, 1, 1));
      assertThat(weights(model)).isNotEqualTo(weights);
      for (float weight : weights(model)) {
        assertThat(weight).isFinite();
      }
    }
  }

  @Test
  void whatOverflowsAtEveryScaleIsSkippedAtEachAndThenTold() {
    ModelConfig config = model(ModelConfig.Kind.BASELINE);
    TrainingConfig training = training().precision(Precision.FP16).build();
    Random random = new Random(4);
    try (LanguageModel model = SmallModels.scrambled(engine, config);
        AdamW optimizer = new AdamW(engine, model.parameters(), ADAM);
        TrainingStep step = new TrainingStep(model, optimizer, training, LENGTH)) {
      scaleEmbedding(model, 1e9f); // Beyond 65504: the output layer's weights are infinite.
      float[] weights = weights(model);
      for (int number = 1; number <= 16; number++) {
        StepMetrics metrics = step.run(number, 0.003, List.of(batch(random)), 0);
        assertThat(Objects.requireNonNull(metrics.scaling()).skippedSteps()).isEqualTo(number);
      }
      Map<String, Object> scaling = step.states().getFirst().numbers();
      assertThatThrownBy(() -> step.run(17, 0.003, List.of(batch(random)), 0))
          .isInstanceOf(NonFiniteException.class)
          .hasMessageContaining("step 17");
      assertThat(step.states().getFirst().numbers()).isEqualTo(scaling);
      assertThat(weights(model)).containsExactly(weights);
    }
  }

  /** Returns what was there. */
  private static float[] scaleEmbedding(LanguageModel model, float factor) {
    var value = SmallModels.parameter(model, "token_embedding.weight").value();
    float[] before = value.toFloats();
    float[] large = before.clone();
    for (int i = 0; i < large.length; i++) {
      large[i] *= factor;
    }
    value.set(large);
    return before;
  }
}
