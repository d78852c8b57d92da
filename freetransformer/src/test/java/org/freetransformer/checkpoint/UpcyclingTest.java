package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.freetransformer.model.SmallModels.scrambled;
import static org.freetransformer.model.SmallModels.whole;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfig.Kind;
import org.freetransformer.model.ModelConfig.Latent.PostSampler;
import org.freetransformer.model.SmallModels;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class UpcyclingTest {
  private static final int[] TOKENS = {1, 7, 3, 3, 10, 0, 5, 2};
  private static final int[] PLANS = {0, 7, 1, 3, 6, 2, 5, 4};

  @TempDir private Path folder;

  private final Engine engine = Engine.on(Devices.scalar());

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private Path saved(ModelConfig config) throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (LanguageModel model = scrambled(engine, config)) {
      ModelFile.of(model, Map.of()).write(file);
    }
    return file;
  }

  private float[] logits(LanguageModel model) {
    try (Scope _ = engine.scope("test")) {
      Tensor plans = engine.tensor(PLANS, 1, PLANS.length);
      Tensor hidden =
          model.hidden(
              engine.tensor(TOKENS, 1, TOKENS.length), plans, whole(engine, TOKENS.length), null);
      return model.logits(hidden).toFloats();
    }
  }

  @ParameterizedTest
  @CsvSource({"table,0,true", "table,1,false", "bits,3,false"})
  void computesWhatTheBaselineComputesWhateverThePlan(String mapper, int split, boolean tied)
      throws IOException {
    ModelConfig config = SmallModels.config(Kind.BASELINE).tieEmbeddings(tied).build();
    PostSampler postSampler = PostSampler.valueOf(mapper.toUpperCase(Locale.ROOT));
    try (TensorStore baseline = TensorStore.open(saved(config));
        LanguageModel before = ModelFile.load(engine, baseline);
        FreeTransformer after =
            Upcycling.upcycle(engine, baseline, new Upcycling.Plan(3, split, postSampler))) {
      assertThat(after.config().splitLayer()).isEqualTo(split == 0 ? 2 : split);
      assertThat(logits(after)).containsExactly(logits(before));
    }
  }

  @Test
  void aLlamaFolderBecomesAFreeTransformerThatCanBeSaved() throws IOException {
    String name = "llama/tied-f16/";
    Resources.copy(folder, name + "config.json", name + "model.safetensors");
    Path file = folder.resolve("free.safetensors");
    float[] expected;
    try (TensorStore llama = TensorStore.open(folder);
        LanguageModel before = ModelFile.load(engine, llama);
        FreeTransformer after =
            Upcycling.upcycle(engine, llama, new Upcycling.Plan(3, 0, PostSampler.TABLE))) {
      expected = logits(before);
      ModelFile.of(after, Map.of()).write(file);
    }
    try (TensorStore store = TensorStore.open(file);
        LanguageModel model = ModelFile.load(engine, store)) {
      assertThat(logits(model)).containsExactly(expected);
      assertThat(model.config().kind()).isEqualTo(Kind.FREE);
      assertThat(model.config().encoder().numKvHeads()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @EnumSource(PostSampler.class)
  void newPartsAreDrawnAndThePostSamplerIsZero(PostSampler mapper) throws IOException {
    try (TensorStore baseline = TensorStore.open(saved(SmallModels.config(Kind.BASELINE).build()));
        FreeTransformer model =
            Upcycling.upcycle(engine, baseline, new Upcycling.Plan(3, 0, mapper))) {
      assertThat(values(model, "latent_plan.post_sampler_fc.weight")).containsOnly(0);
      assertThat(values(model, "encoder.zeta")).doesNotContain(0);
      assertThat(values(model, "encoder.transformer_block.wk.weight")).doesNotContain(0);
    }
  }

  private static float[] values(LanguageModel model, String name) {
    return SmallModels.parameter(model, name).value().toFloats();
  }

  @Test
  void refusesAFreeTransformerAndASplitOutside() throws IOException {
    try (TensorStore free = TensorStore.open(saved(SmallModels.config(Kind.FREE).build()))) {
      assertThatThrownBy(
              () -> Upcycling.upcycle(engine, free, new Upcycling.Plan(3, 0, PostSampler.TABLE)))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("is a Free Transformer already");
    }
    try (TensorStore base = TensorStore.open(saved(SmallModels.config(Kind.BASELINE).build()))) {
      assertThatThrownBy(
              () -> Upcycling.upcycle(engine, base, new Upcycling.Plan(3, 4, PostSampler.TABLE)))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("split_layer: 4 is out of range");
    }
  }
}
