package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.freetransformer.config.ConfigException;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Split;
import org.freetransformer.data.SplitRule;
import org.freetransformer.data.TextConfig;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.generate.Generator;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SampleWriterTest {
  @TempDir private Path folder;

  private static RunConfig config(ModelConfig.Kind kind, DataConfig data, SampleConfig samples) {
    ModelConfig model =
        SmallModels.config(kind).numLayers(2).vocabSize(257).maxSeqLen(65).dropout(0.2).build();
    TrainingConfig training =
        TrainingConfig.builder()
            .batchSize(2)
            .maxSteps(20)
            .warmupSteps(2)
            .learningRate(0.01)
            .emaDecay(0.5)
            .samples(samples)
            .build();
    return new RunConfig(model, training, data);
  }

  private DataConfig text(String text, int maxLength, boolean crossing) throws IOException {
    Path file = Files.writeString(folder.resolve("text.txt"), text);
    DataConfig letters = DataConfig.planLetters(1);
    TextConfig choices =
        new TextConfig(
            "byte", "text", SplitRule.TAILS, 0.5, crossing, folder.resolve("cache").toString());
    return new DataConfig(
        "text", file.toString(), maxLength, choices, 29, 65, 1, 1, letters.seed());
  }

  @ParameterizedTest
  @EnumSource
  void memoryIsFlatHoweverOftenItWrites(ModelConfig.Kind kind) {
    RunConfig config = config(kind, DataConfig.planLetters(5), SampleConfig.DEFAULT);
    try (Engine engine = Engine.on(Devices.cpu(1));
        Dataset data = Dataset.open(config.data(), _ -> {});
        Trainer trainer = new Trainer(engine, config, data)) {
      trainer.next();
      long before = engine.device().memory().liveBytes();
      try (SampleWriter writer = trainer.samples(Tokenizer.of(config.data()))) {
        writer.write();
        long live = engine.device().memory().liveBytes();
        List<Object> written = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          trainer.next();
          written.add(writer.write());
          assertThat(writer.write()).isEqualTo(written.getLast());
        }
        assertThat(engine.device().memory().liveBytes()).isEqualTo(live);
        assertThat(written).doesNotHaveDuplicates();
      }
      assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "64, true, 32", // Of a long text the beginning.
    "20, true, 10", // Half of a short example.
    "64, false, 6", // A document of its own that is shorter: no padding.
  })
  void thePromptIsHowTheHeldOutTextBegins(int maxLength, boolean crossing, int tokens)
      throws IOException {
    String held = crossing ? "held out text. ".repeat(40) : "ld out";
    String text = crossing ? "learned text. ".repeat(43) + held : "learn" + held;
    RunConfig config =
        config(ModelConfig.Kind.FREE, text(text, maxLength, crossing), SampleConfig.DEFAULT);
    Tokenizer tokenizer = Tokenizer.of(config.data());
    try (Dataset data = Dataset.open(config.data(), _ -> {})) {
      Generator.Request request = SampleWriter.request(config, data, tokenizer);
      assertThat(request.prompts()).hasSize(4);
      int[] first = new int[maxLength];
      data.read(Split.VALIDATION, 0, first, new int[maxLength], 0);
      assertThat(request.prompts().getFirst())
          .hasSize(tokens)
          .isEqualTo(Arrays.copyOf(first, tokens));
      assertThat(request.maxTokens()).isEqualTo(maxLength - tokens + 1);
      assertThat(request.stopTokens()).containsExactly(tokenizer.endOfText().orElseThrow());
      Generator.Request largest = SampleWriter.largestRequest(config);
      assertThat(largest.prompts().getFirst()).hasSizeGreaterThanOrEqualTo(tokens);
    }
  }

  @Test
  void aPromptThatIsTooLongIsRefused() {
    RunConfig config =
        config(
            ModelConfig.Kind.BASELINE,
            DataConfig.planLetters(5),
            new SampleConfig(1, "K>" + "_".repeat(64)));
    try (Dataset data = Dataset.open(config.data(), _ -> {})) {
      assertThatThrownBy(() -> SampleWriter.request(config, data, Tokenizer.of(config.data())))
          .isInstanceOf(ConfigException.class)
          .hasMessage(
              "training.sample_prompt: has 66 tokens; allowed are 1 to 65, the tokens of an"
                  + " example");
    }
    assertThatThrownBy(() -> new SampleConfig(-1, "")).hasMessageContaining("nearest is 0");
  }
}
