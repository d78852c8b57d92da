package org.freetransformer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.freetransformer.model.ModelConfig.Kind;
import org.freetransformer.model.ModelConfig.Latent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ModelConfigTest {

  private static ModelConfig read(Map<String, Object> keys) {
    Map<String, Object> small = new LinkedHashMap<>();
    small.put("hidden_dim", 64);
    small.put("num_layers", 4);
    small.put("num_heads", 4);
    small.putAll(keys);
    return ModelConfig.read(ConfigNode.of(small, Origin.of("run.yaml")));
  }

  @Test
  void hasTheSeedsDefaults() {
    ModelConfig config = ModelConfig.read(ConfigNode.of(Map.of(), Origin.of("empty")));
    assertThat(config).isEqualTo(ModelConfig.builder().build());
    assertThat(config.vocabSize()).isEqualTo(32_000);
    assertThat(config.hiddenDim()).isEqualTo(4096);
    assertThat(config.numLayers()).isEqualTo(32);
    assertThat(config.numKvHeads()).isEqualTo(32);
    assertThat(config.ffnHiddenDim()).isEqualTo(11_008);
    assertThat(config.maxSeqLen()).isEqualTo(2048);
    assertThat(config.splitLayer()).isEqualTo(16);
    assertThat(config.planCount()).isEqualTo(65_536);
    assertThat(config.headDim()).isEqualTo(128);
    assertThat(config.encoder()).isEqualTo(new ModelConfig.Encoder(true, 32));
  }

  @Test
  void derivesWhatIsNotSaid() {
    ModelConfig config = read(Map.of("num_kv_heads", 2, "num_layers", 7));
    assertThat(config.splitLayer()).isEqualTo(3);
    assertThat(config.encoder().numKvHeads()).isEqualTo(2);
  }

  @Test
  void survivesARoundTripThroughJson() {
    ModelConfig config =
        ModelConfig.builder()
            .kind(Kind.FREE)
            .vocabSize(29)
            .hiddenDim(48)
            .numLayers(5)
            .numHeads(6)
            .numKvHeads(3)
            .ffnHiddenDim(100)
            .maxSeqLen(65)
            .dropout(0.1)
            .attentionDropout(0.2)
            .latentDim(8)
            .splitLayer(3)
            .ropeTheta(500_000)
            .normEps(1e-5)
            .tieEmbeddings(false)
            .latent(new Latent(Latent.Gradient.SAMPLED, false, Latent.PostSampler.BITS))
            .encoderRope(false)
            .encoderNumKvHeads(6)
            .build();
    String json = ConfigJson.write(config.toMap());
    assertThat(ModelConfig.read(ConfigJson.read(json, "header"))).isEqualTo(config);
    assertThat(config.toBuilder().build()).isEqualTo(config);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "hidden_dim   | 66    | not divisible by num_heads 4 | nearest is 64",
        "hidden_dim   | 68    | odd size 17                  | nearest is 72",
        "hidden_dim   | 0     | from 2 to                    | nearest is 2",
        "num_kv_heads | 3     | does not divide num_heads 4  | nearest divisor is 2",
        "split_layer  | 4     | from 1 to 3                  | nearest is 3",
        "split_layer  | 0     | from 1 to 3                  | nearest is 1",
        "latent_dim   | 21    | from 1 to 20                 | nearest is 20",
        "latent_dim   | 0     | from 1 to 20                 | nearest is 1",
        "vocab_size   | -5    | from 1 to                    | nearest is 1",
        "num_heads    | 99    | from 1 to 32                 | nearest is 32",
        "num_layers   | 1     | from 2 to                    | nearest is 2",
      })
  void namesTheNearestValidChoice(String key, int value, String reason, String nearest) {
    assertThatThrownBy(() -> read(Map.of(key, value)))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("run.yaml: " + key + ": ")
        .hasMessageContaining(reason)
        .hasMessageContaining(nearest);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "dropout    | 1.0      | less than 1.0",
        "norm_eps   | 0.0      | above 0",
        "rope_theta | NaN      | not a finite number",
        "dropout    | Infinity | not a finite number",
      })
  void refusesNumbersOutOfRange(String key, double value, String reason) {
    assertThatThrownBy(() -> read(Map.of(key, value)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(key)
        .hasMessageContaining(reason);
  }

  @Test
  void refusesNaNWhenBuiltInJavaToo() {
    assertThatThrownBy(() -> ModelConfig.builder().dropout(Double.NaN).build())
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("dropout: NaN");
  }

  @Test
  void refusesOtherArchitectures() {
    for (String key : new String[] {"use_rmsnorm", "use_rope", "use_swiglu"}) {
      assertThat(read(Map.of(key, true))).isEqualTo(read(Map.of()));
      assertThatThrownBy(() -> read(Map.of(key, false)))
          .hasMessageContaining(key + ": false is not built in this version");
    }
  }

  @Test
  void checksKeysOfNestedSections() {
    assertThat(read(Map.of("latent", Map.of("gradient", "sampled"))).latent().gradient())
        .isEqualTo(Latent.Gradient.SAMPLED);
    assertThatThrownBy(() -> read(Map.of("latent", Map.of("gradient", "ful"))))
        .hasMessageContaining("latent.gradient: 'ful' is unknown; allowed are full, sampled")
        .hasMessageContaining("nearest is full");
    assertThatThrownBy(() -> read(Map.of("encoder", Map.of("ropes", true))))
        .hasMessageContaining("encoder.ropes: unknown key; did you mean encoder.rope?");
    assertThatThrownBy(() -> read(Map.of("encoder", Map.of("num_kv_heads", 3))))
        .hasMessageContaining("encoder.num_kv_heads: 3 does not divide");
    assertThatThrownBy(() -> read(Map.of("latent", 3)))
        .hasMessageContaining("latent: must be a mapping of keys to values, not 3");
  }

  @Test
  void letsABaselineBeOneLayerDeep() {
    assertThat(read(Map.of("kind", "baseline", "num_layers", 1)).kind()).isEqualTo(Kind.BASELINE);
  }
}
