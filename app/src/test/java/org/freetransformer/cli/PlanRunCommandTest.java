package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PlanRunCommandTest {
  private static final Path PRESETS = Path.of("../configs");
  private static final Path LETTERS = PRESETS.resolve("plan-letters.yaml");

  /** All but the one for fine-tuning, which has the shape of the model that it starts from. */
  static Stream<Path> presets() throws IOException {
    try (Stream<Path> files = Files.list(PRESETS)) {
      return files.filter(file -> !file.endsWith("fine-tune.yaml")).toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("presets")
  void everyPresetIsPlanned(Path preset) {
    JsonNode plan = ft("plan-run", "--config", preset, "--json").json();
    long parameters = plan.path("parameters").asLong();
    assertThat(parameters).isPositive();
    assertThat(plan.at("/bytes/parameters").asLong()).isEqualTo(4 * parameters);
    assertThat(plan.at("/bytes/gradients").asLong()).isEqualTo(4 * parameters);
    assertThat(plan.at("/bytes/moments").asLong()).isEqualTo(8 * parameters);
    assertThat(plan.at("/bytes/activations").asLong()).isPositive();
    assertThat(plan.at("/bytes/evaluation").asLong()).isPositive();
  }

  @Test
  void tellsWhatSixteenBitsAndRecomputationSave() {
    JsonNode full = ft("plan-run", "--config", LETTERS, "--json").json();
    JsonNode half =
        ft("plan-run", "--config", LETTERS, "--json", "--set", "training.precision=bf16").json();
    assertThat(full.at("/bytes/16-bit weights").isMissingNode()).isTrue();
    assertThat(half.at("/bytes/16-bit weights").asLong())
        .isPositive()
        .isLessThan(2 * half.path("parameters").asLong());
    assertThat(half.at("/bytes/parameters")).isEqualTo(full.at("/bytes/parameters"));
    assertThat(half.at("/bytes/moments")).isEqualTo(full.at("/bytes/moments"));
    long kept = half.at("/bytes/activations").asLong();
    assertThat(kept).isLessThan(full.at("/bytes/activations").asLong() * 3 / 4);
    JsonNode again =
        ft(
                "plan-run",
                "--config",
                LETTERS,
                "--json",
                "--set",
                "training.precision=bf16",
                "--set",
                "training.activation_checkpointing=true")
            .json();
    assertThat(again.at("/bytes/activations").asLong()).isLessThan(kept * 3 / 4);
    assertThat(again.path("flops_per_token").asDouble())
        .isGreaterThan(1.2 * half.path("flops_per_token").asDouble());
  }

  @Test
  void countsTheParametersOfAModelFarTooLargeForThisMachine() {
    long d = 4096;
    long layers = 32;
    long ffn = 11_008;
    long vocabulary = 32_000;
    long block = 4 * d * d + 3 * d * ffn + 2 * d;
    JsonNode plan =
        ft(
                "plan-run",
                "--config",
                LETTERS,
                "--json",
                "--set",
                "model.hidden_dim=4096",
                "--set",
                "model.num_layers=32",
                "--set",
                "model.num_heads=32",
                "--set",
                "model.ffn_hidden_dim=11008",
                "--set",
                "model.vocab_size=32000",
                "--set",
                "model.kind=baseline")
            .json();
    assertThat(plan.path("parameters").asLong()).isEqualTo(vocabulary * d + layers * block + d);
    assertThat(plan.path("flops_per_token").asDouble())
        .isGreaterThan(6.0 * layers * block)
        .isLessThan(8.0 * (layers * block + vocabulary * d));
  }

  @Test
  void listsTheInstructionsOfAStep() {
    String text = ft("plan-run", "--config", LETTERS, "--program").out();
    assertThat(text)
        .contains("Attention", "PlanBits", "BernoulliKlBackward", "AdamW", "forward and backward");
    JsonNode plan = ft("plan-run", "--config", LETTERS, "--program", "--json").json();
    assertThat(plan.path("program").size()).isGreaterThan(plan.path("instructions").asInt());
  }

  @Test
  void aTensorThatCannotBeTrainedIsNamed() {
    Object[] words = {"plan-run", "--config", LETTERS, "--set", "model.kind=free", "--set"};
    ft(words, "model.hidden_dim=100000")
        .refused("100000 × 100000 has 10000000000 elements", "2147483647", "nearest is 46340");
    ft(words, "model.ffn_hidden_dim=4000000", "--set", "model.hidden_dim=4096")
        .refused("model.ffn_hidden_dim: 4000000", "feed-forward", "nearest is 524287");
    ft(words, "model.vocab_size=16000000", "--set", "model.hidden_dim=4096")
        .refused("model.vocab_size", "token table", "nearest is 524287");
    ft(
            words,
            "model.latent_dim=20",
            "--set",
            "model.hidden_dim=4096",
            "--set",
            "model.latent.post_sampler=table")
        .refused("model.latent_dim: 20", "1048576 × 4096", "nearest is 18");
  }

  @Test
  void badConfigurationsAreRefusedInOneLine(@TempDir Path folder) throws IOException {
    ft("plan-run").refused("--config", "is missing");
    ft("plan-run", "--config", PRESETS.resolve("plan-leters.yaml"))
        .refused("no such configuration file", "plan-letters.yaml");
    ft("plan-run", "--config", LETTERS, "--set", "model.hidden_dim=65")
        .refused("--set model.hidden_dim=65", "nearest is 64");
    ft("plan-run", "--config", LETTERS, "--set", "model.hidden_dim=wide")
        .refused("must be a whole number, not the text 'wide'");
    ft("plan-run", "--config", LETTERS, "--set", "training.learning_rate=.nan")
        .refused("training.learning_rate");
    ft("plan-run", "--config", LETTERS, "--set", "model.split_layer=4").refused("nearest is 3");
    Path file =
        Files.writeString(folder.resolve("c.yaml"), "model:\n  num_layers: 4\n  depth: 4\n");
    ft("plan-run", "--config", file).refused("c.yaml:3", "model.depth: unknown key");
  }

  @Test
  void ranksAreToldBesideWhatEveryPlanTells() {
    Object[] words = {"plan-run", "--config", LETTERS, "--program"};
    JsonNode one = ft(words, "--json").json();
    JsonNode two = ft(words, "--json", "--ranks", "1").json();
    for (String key : List.of("parameters", "bytes", "total_bytes", "flops_per_token")) {
      assertThat(two.path(key)).as(key).isEqualTo(one.path(key));
    }
    assertThat(two.path("program").size()).isGreaterThan(two.path("instructions").asInt());
    assertThat(two.at("/per_rank/bytes/parameters").asLong()).isPositive();
    assertThat(ft(words, "--ranks", "1").out())
        .contains("a rank's parameters", "forward and backward", "AdamW");
  }

  @Test
  void plansEightBillionParametersOnSixtyFourRanks(@TempDir Path place) throws IOException {
    String config =
        """
        model:
          vocab_size: 128256
          hidden_dim: 4096
          num_layers: 32
          num_heads: 32
          num_kv_heads: 8
          ffn_hidden_dim: 14336
        training:
          batch_size: 1
          gradient_accumulation_steps: 64
          activation_checkpointing: true
        data:
          dataset_name: synthetic
        """;
    Path file = Files.writeString(place.resolve("eight-billion.yaml"), config);
    JsonNode plan =
        ft("plan-run", "--json", "--config", file, "--ranks", "64", "--bandwidth", "50")
            .json()
            .path("per_rank");
    long moments = plan.path("bytes").path("moments").asLong();
    double parameters = moments / 8.0 * 64;
    assertThat(parameters).isBetween(7.5e9, 9e9);
    assertThat(plan.path("bytes").path("parameters").asLong() * 2)
        .isBetween(moments, moments * 11 / 10);
    // Gathered for the forward and for the backward pass, and reduced once.
    assertThat(plan.path("bytes_sent_per_step").asLong() / (4 * parameters)).isBetween(2.5, 3.5);
    double share = plan.path("communication_share").asDouble();
    assertThat(share).isBetween(0.0, 1.0);
    // Ranks that compute three times as fast send as long, and the rest takes a third.
    Object[] faster = {"--ranks", 64, "--bandwidth", 50, "--speed", 300};
    Object[] words = {"plan-run", "--json", "--config", file};
    assertThat(ft(words, faster).json().at("/per_rank/communication_share").asDouble())
        .isCloseTo(share / (share + (1 - share) / 3), within(1e-9));
    JsonNode offloaded =
        ft(
                "plan-run",
                "--json",
                "--config",
                file,
                "--ranks",
                "64",
                "--set",
                "training.fsdp_config.cpu_offload=true")
            .json()
            .path("per_rank");
    for (String kind : List.of("parameters", "gradients", "moments")) {
      assertThat(offloaded.path("bytes").has(kind)).as("%s on the device", kind).isFalse();
      assertThat(offloaded.path("host_bytes").path(kind)).isEqualTo(plan.path("bytes").path(kind));
    }
    assertThat(activations(offloaded)).isBetween(activations(plan) * 9 / 10, activations(plan));
    assertThat(offloaded.path("total_host_bytes").asLong() + offloaded.path("total_bytes").asLong())
        .isCloseTo(plan.path("total_bytes").asLong(), withinPercentage(1));
  }

  private static long activations(JsonNode plan) {
    return plan.path("bytes").path("activations").asLong();
  }
}
