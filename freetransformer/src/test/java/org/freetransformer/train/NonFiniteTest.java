package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.freetransformer.data.Batch;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A step whose numbers overflow names the tensor that did so first, and changes no weight. */
final class NonFiniteTest {
  private static final int LENGTH = 7;

  private final Engine engine = Engine.on(Devices.scalar());
  private final Random random = new Random(9);

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private Batch batch() {
    return new Batch(
        SmallModels.numbers(random, 2 * LENGTH, 11),
        SmallModels.numbers(random, 2 * LENGTH, 11),
        2,
        LENGTH);
  }

  /** One counted target. */
  private Batch single() {
    int[] targets = new int[2 * LENGTH];
    Arrays.fill(targets, Batch.IGNORE);
    targets[3] = 5;
    return new Batch(SmallModels.numbers(random, 2 * LENGTH, 11), targets, 2, LENGTH);
  }

  private static void set(LanguageModel model, String parameter, DoubleSupplier values) {
    Tensor value = SmallModels.parameter(model, parameter).value();
    float[] all = new float[Math.toIntExact(value.shape().size())];
    for (int i = 0; i < all.length; i++) {
      all[i] = (float) values.getAsDouble();
    }
    value.set(all);
  }

  /** The message of a step after a change of the model, which the step must leave as it is. */
  private void requireNamed(Consumer<LanguageModel> change, List<Batch> batches, String... words) {
    ModelConfig config =
        SmallModels.config(ModelConfig.Kind.FREE).numLayers(2).tieEmbeddings(false).build();
    TrainingConfig training = TrainingConfig.builder().batchSize(2).build();
    try (LanguageModel model = SmallModels.scrambled(engine, config);
        AdamW optimizer =
            new AdamW(engine, model.parameters(), new AdamW.Config(0.9, 0.95, 1e-8, 0.1));
        TrainingStep step = new TrainingStep(model, optimizer, training, LENGTH)) {
      step.run(1, 0.01, batches, 0);
      change.accept(model);
      float[] untouched = SmallModels.parameter(model, "encoder.zeta").value().toFloats();
      assertThatThrownBy(() -> step.run(2, 0.01, batches, 0))
          .isInstanceOf(NonFiniteException.class)
          .hasMessageStartingWith("step 2: ")
          .hasMessageContainingAll(words)
          .message()
          .doesNotContain("\n");
      assertThat(SmallModels.parameter(model, "encoder.zeta").value().toFloats())
          .isEqualTo(untouched);
    }
  }

  private void requireNamed(String parameter, float value, String... words) {
    requireNamed(model -> set(model, parameter, () -> value), List.of(batch(), batch()), words);
  }

  @Test
  void aWeightThatIsNoNumber() {
    requireNamed(
        "first_half_blocks.0.wq.weight",
        Float.NaN,
        "the loss is not finite",
        "parameter first_half_blocks.0.wq.weight, before the step");
  }

  @Test
  void anOverflowInTheForwardPass() {
    requireNamed(
        "second_half_blocks.0.ffn.w1.weight",
        3e38f,
        "the result",
        "MatMul with second_half_blocks.0.ffn.w1.weight",
        "forward pass, micro-batch 1 of 2");
    requireNamed(
        "encoder.readout.weight", 3e38f, "MatMul with encoder.readout.weight", "forward pass");
  }

  @Test
  void anOverflowInTheBackwardPass() {
    requireNamed(
        model -> {
          set(model, "norm.weight", () -> 1e-36);
          set(model, "output.weight", () -> random.nextBoolean() ? 3e38 : -3e38);
        },
        List.of(single()),
        "the gradient is not finite",
        "MatMul with output.weight (backward pass, micro-batch 1 of 1)");
  }
}
