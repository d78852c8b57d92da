package org.freetransformer.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The names and shapes that checkpoints hold. */
final class ParameterNamesTest {
  private final Engine engine = Engine.on(Devices.scalar());

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  /** {@code name [sizes]} of every parameter as it is stored. */
  private List<String> stored(ModelConfig config) {
    List<String> lines = new ArrayList<>();
    try (LanguageModel model = LanguageModel.create(engine, config)) {
      model
          .parameters()
          .forEach((name, parameter) ->
              lines.add(name + " " + parameter.stored(parameter.value()).shape()));
    }
    return lines;
  }

  private static List<String> block(String name, int keyValueWidth) {
    return List.of(
        name + ".attn_norm.weight [16]",
        name + ".wq.weight [16,16]",
        name + ".wk.weight [%d,16]".formatted(keyValueWidth),
        name + ".wv.weight [%d,16]".formatted(keyValueWidth),
        name + ".wo.weight [16,16]",
        name + ".ffn_norm.weight [16]",
        name + ".ffn.w1.weight [24,16]",
        name + ".ffn.w2.weight [16,24]",
        name + ".ffn.w3.weight [24,16]");
  }

  @Test
  void ofTheFreeTransformer() {
    List<String> expected = new ArrayList<>();
    expected.add("token_embedding.weight [11,16]");
    expected.addAll(block("first_half_blocks.0", 8));
    expected.add("encoder.zeta [16]");
    expected.addAll(block("encoder.transformer_block", 16));
    expected.add("encoder.norm.weight [16]");
    expected.add("encoder.readout.weight [3,16]");
    expected.add("latent_plan.post_sampler_fc.weight [16,8]");
    expected.addAll(block("second_half_blocks.0", 8));
    expected.addAll(block("second_half_blocks.1", 8));
    expected.add("norm.weight [16]");
    expected.add("output.weight [11,16]");
    ModelConfig config =
        SmallModels.config(ModelConfig.Kind.FREE)
            .numLayers(3)
            .splitLayer(1)
            .encoderNumKvHeads(4)
            .tieEmbeddings(false)
            .build();
    assertThat(stored(config)).containsExactlyElementsOf(expected);
  }

  @Test
  void ofTheBaseline() {
    List<String> expected = new ArrayList<>();
    expected.add("token_embedding.weight [11,16]");
    expected.addAll(block("blocks.0", 8));
    expected.addAll(block("blocks.1", 8));
    expected.add("norm.weight [16]");
    ModelConfig config =
        SmallModels.config(ModelConfig.Kind.BASELINE).numLayers(2).tieEmbeddings(true).build();
    assertThat(stored(config)).containsExactlyElementsOf(expected);
  }

  @ParameterizedTest
  @EnumSource
  void areCountedWithoutMakingTheModel(ModelConfig.Latent.PostSampler sampler) {
    for (ModelConfig.Kind kind : ModelConfig.Kind.values()) {
      for (boolean tied : new boolean[] {true, false}) {
        ModelConfig config =
            SmallModels.config(kind)
                .tieEmbeddings(tied)
                .latent(new ModelConfig.Latent(ModelConfig.Latent.Gradient.FULL, true, sampler))
                .encoderNumKvHeads(1)
                .build();
        try (LanguageModel model = LanguageModel.create(engine, config)) {
          assertThat(config.parameterCount()).isEqualTo(model.parameterCount());
        }
      }
    }
  }

  @Test
  void decayLeavesNormsAndTheEncodersQueryAlone() {
    ModelConfig config = SmallModels.config(ModelConfig.Kind.FREE).build();
    try (LanguageModel model = LanguageModel.create(engine, config)) {
      List<String> free =
          model.parameters().entrySet().stream()
              .filter(entry -> !entry.getValue().isDecayed())
              .map(entry -> entry.getKey())
              .toList();
      assertThat(free)
          .hasSize(2 * 5 + 3)
          .allMatch(name -> name.contains("norm") || name.equals("encoder.zeta"));
    }
  }

  @Test
  void startAsThePaperSays() {
    ModelConfig config = SmallModels.config(ModelConfig.Kind.FREE).build();
    try (LanguageModel model = LanguageModel.create(engine, config)) {
      model.parameters().forEach(ParameterNamesTest::requireInitialised);
    }
  }

  private static void requireInitialised(String name, Parameter parameter) {
    float[] values = parameter.value().toFloats();
    if (name.contains("norm")) {
      assertThat(values).as(name).containsOnly(1);
    } else if (name.contains("post_sampler")) {
      assertThat(values).as(name).containsOnly(0);
    } else {
      double squares = 0;
      for (float value : values) {
        squares += (double) value * value / values.length;
      }
      assertThat(Math.sqrt(squares)).as(name).isBetween(0.01, 0.03);
    }
  }
}
