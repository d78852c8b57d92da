package org.freetransformer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.freetransformer.tensor.ops.RopeOp;
import org.junit.jupiter.api.Test;

/** The numbers of Llama 3.1: heads of 128, base 500,000, factor 8. */
final class RopeScalingTest {
  private static final RopeScaling LLAMA = new RopeScaling(8, 1, 4, 8192);

  @Test
  void keepsFastFrequenciesDividesSlowOnesAndBlendsBetween() {
    double[] plain = RopeOp.frequencies(128, 500_000);
    double[] scaled = LLAMA.frequencies(128, 500_000);
    for (int i = 0; i < 64; i++) {
      double wavelength = 2 * Math.PI / plain[i];
      if (wavelength < 8192 / 4.0) {
        assertThat(scaled[i]).isEqualTo(plain[i]);
      } else if (wavelength > 8192) {
        assertThat(scaled[i]).isCloseTo(plain[i] / 8, within(1e-18));
      } else {
        assertThat(scaled[i]).isBetween(plain[i] / 8, plain[i]);
      }
      assertThat(i == 0 || scaled[i] < scaled[i - 1]).isTrue();
    }
    assertThat(RopeScaling.NONE.frequencies(128, 500_000)).containsExactly(plain);
  }

  @Test
  void isAPartOfTheConfiguration() {
    ModelConfig config =
        ModelConfig.read(
            ConfigNode.of(
                Map.of(
                    "hidden_dim",
                    64,
                    "num_heads",
                    4,
                    "num_layers",
                    2,
                    "vocab_size",
                    5,
                    "rope_scaling",
                    Map.of("factor", 8)),
                Origin.of("run.yaml")));
    assertThat(config.ropeScaling()).isEqualTo(LLAMA);
    assertThat(ModelConfig.read(ConfigNode.of(config.toMap(), Origin.of("x")))).isEqualTo(config);
  }

  @Test
  void refusesImpossibleNumbers() {
    assertThatThrownBy(() -> new RopeScaling(0.5, 1, 4, 8192))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("factor: 0.5 is out of range");
    assertThatThrownBy(() -> new RopeScaling(2, 4, 4, 8192))
        .hasMessageStartingWith("high_freq_factor: 4.0 is not above");
    assertThatThrownBy(() ->
            ModelConfig.read(
                ConfigNode.of(Map.of("rope_scaling", Map.of("factr", 8)), Origin.of("run.yaml"))))
        .hasMessageContaining("did you mean rope_scaling.factor?");
    assertThatThrownBy(() ->
            ModelConfig.read(
                ConfigNode.of(Map.of("rope_scaling", Map.of("factor", 0)), Origin.of("run.yaml"))))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("run.yaml: rope_scaling.factor: 0.0 is out of range");
  }
}
