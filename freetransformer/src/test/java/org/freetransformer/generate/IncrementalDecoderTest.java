package org.freetransformer.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfig.Latent.PostSampler;
import org.freetransformer.model.SmallModels;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.memory.MemoryPool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Token by token gives the logits of one full pass with the same plans. */
final class IncrementalDecoderTest {
  private static final int LENGTH = 10;
  private static final int[] PROMPTS = {3, 1, 6};

  private final Random random = new Random(5);
  private final List<int[]> texts = new ArrayList<>();
  private final List<int[]> plans = new ArrayList<>();

  IncrementalDecoderTest() {
    for (int b = 0; b < PROMPTS.length; b++) {
      texts.add(SmallModels.numbers(random, LENGTH, 11));
      plans.add(SmallModels.numbers(random, LENGTH, 8));
    }
  }

  private static LanguageModel model(
      Engine engine, ModelConfig.Kind kind, int keyValueHeads, boolean tied, PostSampler sampler) {
    return SmallModels.scrambled(
        engine,
        SmallModels.config(kind)
            .numKvHeads(keyValueHeads)
            .tieEmbeddings(tied)
            .latent(new ModelConfig.Latent(ModelConfig.Latent.Gradient.FULL, true, sampler))
            .build());
  }

  private static void requireNear(float[] found, float[] expected) {
    assertThat(found).usingComparatorWithPrecision(1e-4f).containsExactly(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "FREE, 1, true, TABLE, true",
    "FREE, 2, false, TABLE, true",
    "FREE, 4, true, BITS, true",
    "FREE, 2, true, TABLE, false",
    "FREE, 2, false, BITS, false",
    "BASELINE, 2, true, TABLE, true",
    "BASELINE, 4, false, TABLE, false"
  })
  void readsTokenByTokenWhatAFullPassReads(
      ModelConfig.Kind kind, int keyValueHeads, boolean tied, PostSampler sampler, boolean fast) {
    Device device = fast ? Devices.cpu(1) : Devices.scalar();
    try (Engine engine = Engine.on(device);
        LanguageModel model = model(engine, kind, keyValueHeads, tied, sampler)) {
      long before = device.memory().liveBytes();
      try (IncrementalDecoder decoder = new IncrementalDecoder(model, PROMPTS.length, LENGTH)) {
        requireFullPasses(model, decoder);
      }
      assertThat(device.memory().liveBytes()).isEqualTo(before);
    }
    assertThat(device.memory().liveBytes()).isZero();
  }

  /** What a prompt takes at its peak, beyond weights and cache, does not grow with the blocks. */
  @ParameterizedTest
  @EnumSource(ModelConfig.Kind.class)
  void aBlocksActivationsAreFreedBeforeTheNextBlock(ModelConfig.Kind kind) {
    assertThat(promptMemory(kind, 12)).isEqualTo(promptMemory(kind, 6));
  }

  private static long promptMemory(ModelConfig.Kind kind, int layers) {
    ModelConfig config = SmallModels.config(kind).numLayers(layers).build();
    try (Engine engine = Engine.on(Devices.scalar());
        LanguageModel model = LanguageModel.create(engine, config);
        IncrementalDecoder decoder = new IncrementalDecoder(model, 1, LENGTH)) {
      MemoryPool memory = engine.device().memory();
      long before = memory.liveBytes();
      int[] tokens = new int[LENGTH];
      boolean baseline = kind == ModelConfig.Kind.BASELINE;
      decoder.prompt(List.of(tokens), baseline ? null : new int[][] {tokens});
      assertThat(memory.liveBytes()).isEqualTo(before);
      return memory.peakBytes() - before;
    }
  }

  /** The rows reach their ends at different times, and are idle from then on. */
  private void requireFullPasses(LanguageModel model, IncrementalDecoder decoder) {
    int batch = PROMPTS.length;
    float[][][] full = new float[batch][][];
    Arrays.setAll(full, b -> SmallModels.logits(model, texts.get(b), plans.get(b)));
    List<int[]> prompts = new ArrayList<>();
    int[][] given = new int[batch][];
    for (int b = 0; b < batch; b++) {
      prompts.add(Arrays.copyOf(texts.get(b), PROMPTS[b]));
      given[b] = Arrays.copyOf(plans.get(b), PROMPTS[b]);
    }
    boolean baseline = model.config().kind() == ModelConfig.Kind.BASELINE;
    float[][] logits = decoder.prompt(prompts, baseline ? null : given).logits();
    for (int b = 0; b < batch; b++) {
      requireNear(logits[b], full[b][PROMPTS[b] - 1]);
    }
    for (int written = 0; written < LENGTH - 1; written++) {
      int[] tokens = new int[batch];
      int[] chosen = new int[batch];
      for (int b = 0; b < batch; b++) {
        int at = PROMPTS[b] + written;
        tokens[b] = at < LENGTH ? texts.get(b)[at] : IncrementalDecoder.IDLE;
        chosen[b] = at < LENGTH ? plans.get(b)[at] : 0;
      }
      logits = decoder.next(tokens, chosen);
      for (int b = 0; b < batch; b++) {
        int at = PROMPTS[b] + written;
        assertThat(decoder.length(b)).isEqualTo(Math.min(LENGTH, at + 1));
        if (at < LENGTH) {
          requireNear(logits[b], full[b][at]);
        }
      }
    }
  }

  @Test
  void aRowThatPausedGoesOnAsIfNothingHadHappened() {
    try (Engine engine = Engine.on(Devices.scalar());
        LanguageModel model = model(engine, ModelConfig.Kind.FREE, 2, true, PostSampler.TABLE);
        IncrementalDecoder decoder = new IncrementalDecoder(model, 2, LENGTH)) {
      int[] text = texts.getFirst();
      int[] plan = plans.getFirst();
      float[][] full = SmallModels.logits(model, text, plan);
      decoder.prompt(
          List.of(Arrays.copyOf(text, 2), new int[] {1}),
          new int[][] {Arrays.copyOf(plan, 2), {0}});
      decoder.next(new int[] {IncrementalDecoder.IDLE, 3}, new int[] {0, 1});
      decoder.next(new int[] {IncrementalDecoder.IDLE, 4}, new int[] {0, 2});
      for (int t = 2; t < LENGTH; t++) {
        int[] tokens = {text[t], IncrementalDecoder.IDLE};
        requireNear(decoder.next(tokens, new int[] {plan[t], 0})[0], full[t]);
      }
    }
  }

  @Test
  void aTruncatedRowGoesOnFromItsPrefix() {
    try (Engine engine = Engine.on(Devices.cpu(1));
        LanguageModel model = model(engine, ModelConfig.Kind.FREE, 2, true, PostSampler.TABLE);
        IncrementalDecoder decoder = new IncrementalDecoder(model, 1, LENGTH)) {
      int[] text = texts.getFirst();
      int[] plan = plans.getFirst();
      decoder.prompt(List.of(Arrays.copyOf(text, 2)), new int[][] {Arrays.copyOf(plan, 2)});
      float[] first = decoder.next(new int[] {text[2]}, new int[] {plan[2]})[0].clone();
      float[] other = decoder.next(new int[] {1}, new int[] {3})[0].clone();
      decoder.truncate(0, 2);
      assertThat(decoder.length(0)).isEqualTo(2);
      float[] branch = decoder.next(new int[] {text[2]}, new int[] {plan[2] ^ 1})[0].clone();
      decoder.truncate(0, 2);
      float[] again = decoder.next(new int[] {text[2]}, new int[] {plan[2]})[0].clone();
      assertThat(again).containsExactly(first).isNotEqualTo(branch).isNotEqualTo(other);
      assertThatThrownBy(() -> decoder.truncate(0, 4))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("row 0 holds 3 tokens: 4 of them cannot stay");
      assertThatThrownBy(() -> decoder.truncate(0, 0)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "11, 0, there is no token 11; allowed are 0 to 10",
    "-1, 0, there is no token -1; allowed are 0 to 10",
    "0, 8, there is no plan 8; allowed are 0 to 7",
    "0, -1, there is no plan -1; allowed are 0 to 7"
  })
  void knowsNoTokensAndPlansBeyondItsTables(int token, int plan, String problem) {
    try (Engine engine = Engine.on(Devices.scalar());
        LanguageModel model = model(engine, ModelConfig.Kind.FREE, 2, true, PostSampler.TABLE);
        IncrementalDecoder decoder = new IncrementalDecoder(model, 2, LENGTH)) {
      List<int[]> prompts = List.of(new int[2], new int[] {0, token});
      assertThatThrownBy(() -> decoder.prompt(prompts, new int[][] {{0, 0}, {0, plan}}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("prompt 1: " + problem);
      decoder.prompt(List.of(new int[2], new int[3]), new int[][] {{0, 0}, {0, 0, 0}});
      if (token != IncrementalDecoder.IDLE) {
        assertThatThrownBy(() -> decoder.next(new int[] {1, token}, new int[] {1, plan}))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("row 1: " + problem);
      }
      assertThat(decoder.length(0)).isEqualTo(2);
      assertThat(decoder.length(1)).isEqualTo(3);
    }
  }

  @Test
  void saysWhatDoesNotFit() {
    try (Engine engine = Engine.on(Devices.scalar());
        LanguageModel model = model(engine, ModelConfig.Kind.FREE, 2, true, PostSampler.TABLE)) {
      assertThatThrownBy(() -> new IncrementalDecoder(model, 1, 13))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("13 tokens: this model takes 1 to 12 (max_seq_len)");
      try (IncrementalDecoder decoder = new IncrementalDecoder(model, 1, 2)) {
        assertThatThrownBy(() -> decoder.next(new int[1], new int[1]))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("row 0 holds no prompt");
        assertThatThrownBy(() -> decoder.prompt(List.of(new int[3]), new int[1][3]))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("prompt 0 has 3 tokens: allowed are 1 to 2");
        assertThatThrownBy(() -> decoder.prompt(List.of(new int[2]), new int[1][1]))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("prompt 0 has 1 plans for 2 tokens");
        decoder.prompt(List.of(new int[2]), new int[1][2]);
        assertThatThrownBy(() -> decoder.next(new int[1], new int[1]))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("row 0 is full: it holds 2 tokens");
      }
    }
  }
}
