package org.freetransformer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.freetransformer.model.FreeTransformer.Mode;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FreeTransformerTest {
  private static final int LENGTH = 8;
  private static final int BITS = 3;

  private final Engine engine = Engine.on(Devices.scalar());
  private final Random random = new Random(3);
  private final int[] tokens = SmallModels.numbers(random, LENGTH, 11);
  private final int[] plans = SmallModels.numbers(random, LENGTH, 1 << BITS);

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private FreeTransformer model(ModelConfigBuilder config) {
    return (FreeTransformer) SmallModels.scrambled(engine, config.build());
  }

  private FreeTransformer model() {
    return model(SmallModels.config(ModelConfig.Kind.FREE));
  }

  private float[] planLogits(FreeTransformer model, int[] text) {
    FreeTransformer.Result result =
        model.forward(
            engine.tensor(text, 1, text.length),
            Mode.PREFILL_ENCODE,
            null,
            true,
            SmallModels.whole(engine, text.length),
            null);
    return Objects.requireNonNull(result.planLogits()).toFloats();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void computesWhatItsBaselineComputesUntilThePostSamplerLearns(boolean tied) {
    FreeTransformer free = model(SmallModels.config(ModelConfig.Kind.FREE).tieEmbeddings(tied));
    LanguageModel baseline =
        LanguageModel.create(
            engine, SmallModels.config(ModelConfig.Kind.BASELINE).tieEmbeddings(tied).build());
    baseline
        .parameters()
        .forEach((name, parameter) -> {
          String place = name.replace("blocks.0.", "first_half_blocks.0.");
          place = place.replace("blocks.1.", "first_half_blocks.1.");
          place = place.replace("blocks.2.", "second_half_blocks.0.");
          place = place.replace("blocks.3.", "second_half_blocks.1.");
          parameter.value().set(SmallModels.parameter(free, place).value().toFloats());
        });
    float[][] expected = SmallModels.logits(baseline, tokens, plans);
    assertThat(SmallModels.logits(free, tokens, plans)[LENGTH - 1])
        .isNotEqualTo(expected[LENGTH - 1]);

    Tensor postSampler = SmallModels.parameter(free, "latent_plan.post_sampler_fc.weight").value();
    postSampler.set(new float[Math.toIntExact(postSampler.shape().size())]);
    assertThat(SmallModels.logits(free, tokens, plans)).isDeepEqualTo(expected);
    free.close();
    baseline.close();
  }

  @Test
  void aLaterTokenOrPlanChangesNoEarlierLogitsOnceThePlanIsGiven() {
    try (FreeTransformer model = model()) {
      float[][] before = SmallModels.logits(model, tokens, plans);
      int[] otherTokens = tokens.clone();
      otherTokens[5] = (otherTokens[5] + 1) % 11;
      int[] otherPlans = plans.clone();
      otherPlans[5] ^= 5;
      float[][] tokenChanged = SmallModels.logits(model, otherTokens, plans);
      float[][] planChanged = SmallModels.logits(model, tokens, otherPlans);
      for (float[][] after : new float[][][] {tokenChanged, planChanged}) {
        for (int t = 0; t < LENGTH; t++) {
          if (t < 5) {
            assertThat(after[t]).isEqualTo(before[t]);
          } else {
            assertThat(after[t]).isNotEqualTo(before[t]);
          }
        }
      }
    }
  }

  @Test
  void thePlanSeesTheFuture() {
    try (FreeTransformer model = model()) {
      int[] other = tokens.clone();
      other[LENGTH - 1] = (other[LENGTH - 1] + 1) % 11;
      float[] before = Arrays.copyOf(planLogits(model, tokens), BITS);
      assertThat(Arrays.copyOf(planLogits(model, other), BITS)).isNotEqualTo(before);
    }
  }

  @Test
  void encodesEachPromptOfABatchOfUnequalOnesAsIfAlone() {
    int[] lengths = {5, 8, 1};
    try (FreeTransformer model = model()) {
      int[] batch = new int[3 * LENGTH];
      for (int b = 0; b < 3; b++) {
        System.arraycopy(tokens, 0, batch, b * LENGTH, lengths[b]);
      }
      Sequence whole = SmallModels.whole(engine, LENGTH);
      Sequence ragged =
          new Sequence(whole.positions(), true, engine.tensor(lengths, 3), null, null);
      FreeTransformer.Result result =
          model.forward(
              engine.tensor(batch, 3, LENGTH), Mode.PREFILL_ENCODE, null, true, ragged, null);
      float[] logits = Objects.requireNonNull(result.planLogits()).toFloats();
      for (int b = 0; b < 3; b++) {
        int from = b * LENGTH * BITS;
        assertThat(Arrays.copyOfRange(logits, from, from + lengths[b] * BITS))
            .usingComparatorWithPrecision(1e-5f)
            .containsExactly(planLogits(model, Arrays.copyOf(tokens, lengths[b])));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"TRAIN", "PREFILL_ENCODE"})
  void usesThePlanThatItInferred(Mode mode) {
    try (FreeTransformer model = model()) {
      FreeTransformer.Result result =
          model.forward(
              engine.tensor(tokens, 1, LENGTH),
              mode,
              null,
              false,
              SmallModels.whole(engine, LENGTH),
              null);
      float[] flat = model.logits(result.hidden()).toFloats();
      float[][] given = SmallModels.logits(model, tokens, result.plans().toInts());
      for (int t = 0; t < LENGTH; t++) {
        assertThat(Arrays.copyOfRange(flat, t * 11, (t + 1) * 11)).isEqualTo(given[t]);
      }
    }
  }

  @Test
  void takesAPlanInModeGenerateOnly() {
    try (FreeTransformer model = model()) {
      Tensor text = engine.tensor(tokens, 1, LENGTH);
      Tensor plan = engine.tensor(plans, 1, LENGTH);
      Sequence sequence = SmallModels.whole(engine, LENGTH);
      assertThatThrownBy(() -> model.hidden(text, null, sequence, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("GENERATE with none");
      assertThatThrownBy(() -> model.forward(text, Mode.TRAIN, plan, false, sequence, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("TRAIN with a plan");
    }
  }
}
