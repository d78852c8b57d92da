package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.freetransformer.data.Batch;
import org.freetransformer.eval.BatchTensors;
import org.freetransformer.eval.Objective;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.VaeLoss;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.GradientClipping;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TrainingStepTest {
  private static final int LENGTH = 7;
  private static final AdamW.Config ADAM = new AdamW.Config(0.9, 0.95, 1e-8, 0.1);

  private final Engine engine = Engine.on(Devices.scalar());
  private final Random random = new Random(9);

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private static ModelConfig config(ModelConfig.Kind kind, double dropout) {
    return SmallModels.config(kind).numLayers(2).dropout(dropout).attentionDropout(dropout).build();
  }

  /** Four rows of which each has fewer counted targets than the one before, and the last none. */
  private Batch uneven() {
    int[] targets = SmallModels.numbers(random, 4 * LENGTH, 11);
    for (int row = 0; row < 4; row++) {
      int ignored = row == 3 ? LENGTH : 2 * row;
      Arrays.fill(targets, row * LENGTH + LENGTH - ignored, (row + 1) * LENGTH, Batch.IGNORE);
    }
    return new Batch(SmallModels.numbers(random, 4 * LENGTH, 11), targets, 4, LENGTH);
  }

  private static Batch rows(Batch batch, int from, int count) {
    return new Batch(
        Arrays.copyOfRange(batch.tokens(), from * LENGTH, (from + count) * LENGTH),
        Arrays.copyOfRange(batch.targets(), from * LENGTH, (from + count) * LENGTH),
        count,
        LENGTH);
  }

  /** All gradients of a step of these micro-batches, with plans by threshold, end to end. */
  private float[] gradients(LanguageModel model, List<Batch> microBatches) {
    long tokens = microBatches.stream().mapToLong(Batch::countedTargets).sum();
    long plans = microBatches.stream().mapToLong(BatchTensors::countedPlans).sum();
    model.parameters().values().forEach(parameter -> parameter.value().setGrad(null));
    List<Float> all = new ArrayList<>();
    try (var _ = engine.scope("test");
        Objective objective = new Objective(engine)) {
      objective.set(tokens, plans, 0.05, 0.5);
      for (Batch batch : microBatches) {
        try (BatchTensors inputs = new BatchTensors(engine, batch.size(), LENGTH)) {
          inputs.set(batch);
          objective.of(model, inputs, true).backward();
        }
      }
      model
          .parameters()
          .values()
          .forEach(parameter -> {
            for (float g : Objects.requireNonNull(parameter.value().grad()).toFloats()) {
              all.add(g);
            }
          });
    }
    model.parameters().values().forEach(parameter -> parameter.value().setGrad(null));
    float[] flat = new float[all.size()];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = all.get(i);
    }
    return flat;
  }

  @ParameterizedTest
  @EnumSource
  void microBatchesWeighByTheirTokensExactly(ModelConfig.Kind kind) {
    Batch whole = uneven();
    try (LanguageModel model = SmallModels.scrambled(engine, config(kind, 0))) {
      float[] once = gradients(model, List.of(whole));
      float[] twice = gradients(model, List.of(rows(whole, 0, 2), rows(whole, 2, 2)));
      assertThat(twice).usingComparatorWithPrecision(1e-6f).containsExactly(once);
      assertThat(IntStream.range(0, once.length)).anyMatch(i -> Math.abs(once[i]) > 1e-3f);
    }
  }

  /** The same step with the same random numbers, dropout and drawn plans included. */
  @ParameterizedTest
  @EnumSource
  void aRecordedStepGivesTheBitsOfOneThatRunsAsItIsWritten(ModelConfig.Kind kind) {
    TrainingConfig training = TrainingConfig.builder().batchSize(4).gradClip(0.5).build();
    Batch batch = uneven();
    try (LanguageModel recorded = SmallModels.scrambled(engine, config(kind, 0.2));
        LanguageModel eager = SmallModels.scrambled(engine, config(kind, 0.2));
        AdamW first = new AdamW(engine, recorded.parameters(), ADAM);
        AdamW second = new AdamW(engine, eager.parameters(), ADAM);
        TrainingStep step = new TrainingStep(recorded, first, training, LENGTH)) {
      for (int number = 1; number <= 3; number++) {
        StepMetrics metrics = step.run(number, 0.01, List.of(batch), 0);
        double loss = eagerStep(eager, second, training, batch, number);
        assertThat(metrics.loss()).isEqualTo(loss);
        recorded
            .parameters()
            .forEach((name, parameter) ->
                assertThat(SmallModels.parameter(eager, name).value().toFloats())
                    .as(name)
                    .isEqualTo(parameter.value().toFloats()));
      }
    }
  }

  private double eagerStep(
      LanguageModel model, AdamW optimizer, TrainingConfig training, Batch batch, int number) {
    engine.random().step(number);
    model.train(true);
    try (var _ = engine.scope("test");
        BatchTensors inputs = new BatchTensors(engine, 4, LENGTH);
        Objective objective = new Objective(engine)) {
      inputs.set(batch);
      objective.set(
          batch.countedTargets(),
          BatchTensors.countedPlans(batch),
          training.kappaFreeBits(),
          training.betaKl());
      VaeLoss.Terms terms = objective.of(model, inputs, false);
      terms.backward();
      optimizer.schedule(number, 0.01);
      optimizer.emitUpdate(
          GradientClipping.clip(engine, model.parameters(), training.gradClip()).scale());
      return terms.loss().item();
    } finally {
      model.train(false);
    }
  }

  @Test
  void countsAPlanOnlyWhereACountedTargetStandsAtOrAfterIt() {
    int no = Batch.IGNORE;
    Batch batch = new Batch(new int[8], new int[] {no, 1, no, no, no, no, no, no}, 2, 4);
    assertThat(BatchTensors.planCounts(batch)).containsExactly(1, 1, 0, 0, 0, 0, 0, 0);
    assertThat(BatchTensors.countedPlans(batch)).isEqualTo(2);
  }

  @Test
  void holdsNoMoreMemoryAfterManySteps() {
    TrainingConfig training = TrainingConfig.builder().batchSize(4).build();
    Batch batch = uneven();
    try (LanguageModel model = SmallModels.scrambled(engine, config(ModelConfig.Kind.FREE, 0.1));
        AdamW optimizer = new AdamW(engine, model.parameters(), ADAM);
        TrainingStep step = new TrainingStep(model, optimizer, training, LENGTH)) {
      step.run(1, 0.01, List.of(batch), 0);
      long before = engine.device().memory().liveBytes();
      for (int number = 2; number <= 200; number++) {
        StepMetrics metrics = step.run(number, 0.01, List.of(batch), 0);
        assertThat(Arrays.stream(metrics.klPerBit()).sum())
            .isCloseTo(metrics.kl(), Offset.offset(1e-5));
      }
      assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
    }
  }

  /** Such as a decoder that is kept while the rest learns. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void trainsAroundFrozenParameters(int microBatches) {
    TrainingConfig training =
        TrainingConfig.builder()
            .batchSize(4)
            .gradientAccumulationSteps(microBatches)
            .emaDecay(0.9)
            .logEvery(1)
            .build();
    List<Batch> batches = Stream.generate(this::uneven).limit(microBatches).toList();
    try (LanguageModel model = SmallModels.scrambled(engine, config(ModelConfig.Kind.FREE, 0))) {
      Parameter frozen = SmallModels.parameter(model, "second_half_blocks.0.ffn.w1.weight");
      Parameter other = SmallModels.parameter(model, "second_half_blocks.0.ffn.w2.weight");
      frozen.freeze();
      float[] before = frozen.value().toFloats();
      float[] otherBefore = other.value().toFloats();
      try (AdamW optimizer = new AdamW(engine, model.parameters(), ADAM);
          TrainingStep step = new TrainingStep(model, optimizer, training, LENGTH)) {
        step.run(1, 0.01, batches, 0);
        assertThat(frozen.value().toFloats()).isEqualTo(before);
        assertThat(other.value().toFloats()).isNotEqualTo(otherBefore);
        float[] zeta = SmallModels.parameter(model, "encoder.zeta").value().toFloats();
        Arrays.fill(zeta, Float.POSITIVE_INFINITY);
        SmallModels.parameter(model, "encoder.zeta").value().set(zeta);
        assertThatThrownBy(() -> step.run(2, 0.01, batches, 0))
            .isInstanceOf(NonFiniteException.class);
      }
    }
  }

  @Test
  void takesTheFullGradientOverAllPlansOfSixteenBits() {
    ModelConfig config =
        SmallModels.config(ModelConfig.Kind.FREE).numLayers(2).latentDim(16).build();
    TrainingConfig training = TrainingConfig.builder().batchSize(1).build();
    Batch batch = rows(uneven(), 0, 1);
    try (LanguageModel model = LanguageModel.create(engine, config);
        AdamW optimizer = new AdamW(engine, model.parameters(), ADAM);
        TrainingStep step = new TrainingStep(model, optimizer, training, LENGTH)) {
      assertThat(step.microStep().arenaBytes()).isLessThan((1L << 16) * LENGTH * Float.BYTES);
      double first = step.run(1, 0.01, List.of(batch), 0).loss();
      assertThat(first).isCloseTo(Math.log(11), Offset.offset(0.2));
      double last = first;
      for (int number = 2; number <= 4; number++) {
        last = step.run(number, 0.01, List.of(batch), 0).loss();
      }
      assertThat(last).isLessThan(first);
    }
  }
}
