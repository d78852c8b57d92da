package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.SplitRule;
import org.freetransformer.data.TextConfig;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.optim.LearningRateSchedule;
import org.freetransformer.nn.sharding.Strategy;
import org.junit.jupiter.api.Test;

final class RunConfigTest {

  /** The keys and values of the original repository's configs/free_transformer.yaml. */
  private static final String SEED_FILE =
      """
      {"model": {"vocab_size": 1000, "hidden_dim": 128, "num_layers": 4, "num_heads": 4,
        "num_kv_heads": 4, "ffn_hidden_dim": 512, "max_seq_len": 128, "dropout": 0.1,
        "use_rmsnorm": true, "use_rope": true, "use_swiglu": true,
        "latent_dim": 8, "split_layer": 2},
      "training": {"learning_rate": 3.0e-4, "weight_decay": 0.1, "beta1": 0.9, "beta2": 0.95,
        "grad_clip": 1.0, "warmup_steps": 100, "gradient_accumulation_steps": 1, "beta_kl": 1.0,
        "kappa_free_bits": 0.3466, "batch_size": 8, "max_steps": 100, "log_every": 10,
        "eval_every": 20, "save_every": 50,
        "checkpoint_dir": "./checkpoints/test_free/baseline"},
      "data": {"dataset_name": "synthetic-test-free", "data_dir": "./data", "max_length": 128,
        "num_workers": 2}}
      """;

  private static RunConfig read(String json) {
    return RunConfig.read(ConfigJson.read(json, "run.json"), _ -> {});
  }

  private static RunConfig with(String path, Object value) {
    ConfigNode.Mapping document = (ConfigNode.Mapping) ConfigJson.read(SEED_FILE, "run.json");
    ConfigNode changed =
        document.with(path, ConfigNode.of(value, Origin.of("--set " + path + "=" + value)));
    return RunConfig.read(changed, _ -> {});
  }

  @Test
  void loadsTheSeedsFileUnchanged() {
    List<String> notes = new ArrayList<>();
    RunConfig config = RunConfig.read(ConfigJson.read(SEED_FILE, "run.json"), notes::add);
    assertThat(config.model().latentDim()).isEqualTo(8);
    assertThat(config.training().warmupSteps()).isEqualTo(100);
    assertThat(config.data().source()).isEqualTo(DataConfig.Source.SYNTHETIC);
    assertThat(config.data().syntheticVocabSize()).isEqualTo(1000);
    assertThat(config.data().sequenceLength()).isEqualTo(127);
    assertThat(notes).singleElement().asString().startsWith("data.num_workers has no effect");
  }

  @Test
  void theSeedsFileWithoutAPlanIsABaseline() {
    String plan = ",\n  \"latent_dim\": 8, \"split_layer\": 2";
    String loss = " \"beta_kl\": 1.0,\n  \"kappa_free_bits\": 0.3466,";
    assertThat(SEED_FILE).contains(plan).contains(loss);
    String baseline = SEED_FILE.replace(plan, "").replace(loss, "");
    List<String> notes = new ArrayList<>();
    RunConfig config = RunConfig.read(ConfigJson.read(baseline, "run.json"), notes::add);
    assertThat(config.model().kind()).isEqualTo(ModelConfig.Kind.BASELINE);
    assertThat(notes)
        .hasSize(2)
        .first()
        .asString()
        .startsWith("model.kind is taken as baseline")
        .contains("model.kind: free");
    // One key of a plan is enough to mean the other model.
    assertThat(read(SEED_FILE.replace(plan, "")).model().kind()).isEqualTo(ModelConfig.Kind.FREE);
    assertThat(read("{}").model().kind()).isEqualTo(ModelConfig.Kind.FREE);
  }

  @Test
  void hasTheSpecifiedDefaults() {
    RunConfig config = read("{}");
    TrainingConfig training = config.training();
    assertThat(training).isEqualTo(TrainingConfig.builder().build());
    assertThat(training.learningRate()).isEqualTo(3e-4);
    assertThat(training.kappaFreeBits()).isEqualTo(0.3466);
    assertThat(training.maxSteps()).isEqualTo(100_000);
    assertThat(training.batchSize()).isEqualTo(64);
    assertThat(config.data())
        .isEqualTo(
            new DataConfig(
                "synthetic", "./data", 2048, TextConfig.DEFAULT, 10_000, 512, 50_000, 5000, 42));
  }

  @Test
  void survivesARoundTrip() {
    for (String json : List.of("{}", SEED_FILE)) {
      RunConfig config = read(json);
      assertThat(read(ConfigJson.write(config.toMap()))).isEqualTo(config);
      assertThat(config.training().toBuilder().build()).isEqualTo(config.training());
    }
    RunConfig letters =
        new RunConfig(
            read("{}").model(),
            TrainingConfig.builder()
                .lrSchedule(LearningRateSchedule.Kind.WSD)
                .wsdDecayShare(0.5)
                .klWarmupSteps(9)
                .emaDecay(0.99)
                .remedies(
                    CollapseRemedies.NONE
                        .withKappaFrom(0.5, 7)
                        .withTargetKl(0.25, 2)
                        .withEncoderLrRatio(0.5)
                        .withDeadBitReset(11, 0.001))
                .seed(-1)
                .build(),
            DataConfig.planLetters(7));
    assertThat(read(ConfigJson.write(letters.toMap()))).isEqualTo(letters);
  }

  @Test
  void pointsToTheLineAndTheNearestKey() {
    assertThatThrownBy(() -> read("{\"model\": {\n\"num_layers\": 4,\n\"hiden_dim\": 64}}"))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith(
            "run.json:3: model.hiden_dim: unknown key; did you mean model.hidden_dim?");
    assertThatThrownBy(() -> read("{\n\"modle\": {}}"))
        .hasMessage(
            "run.json:2: modle: unknown key; did you mean model? "
                + "allowed at the top are model, training, data");
  }

  @Test
  void refusesWrongTypes() {
    Map<String, Object> wrong = new LinkedHashMap<>();
    wrong.put("model.num_layers", "four");
    wrong.put("model.hidden_dim", 64.5);
    wrong.put("model.tie_embeddings", 1);
    wrong.put("training.seed", true);
    wrong.put("training.max_steps", 1e12);
    wrong.put("training.learning_rate", "3e-4x");
    wrong.put("training.checkpoint_dir", 5);
    wrong.put("data.dataset_name", List.of("text"));
    wrong.put("data", List.of());
    wrong.forEach((path, value) ->
        assertThatThrownBy(() -> with(path, value))
            .isInstanceOf(ConfigException.class)
            .hasMessageStartingWith("--set " + path + "=" + value + ": " + path + ": ")
            .message()
            .doesNotContain("\n"));
  }

  @Test
  void refusesRemediesThatCannotBe() {
    assertThat(with("training.target_kl_weight", 2).training().remedies().targetKlWeight())
        .isEqualTo(2);
    assertThatThrownBy(() -> with("training.kappa_schedule", "linear"))
        .hasMessageContaining("training.kappa_schedule_steps: is 0");
    assertThatThrownBy(() -> with("training.encoder_lr_ratio", 0))
        .hasMessageStartingWith(
            "--set training.encoder_lr_ratio=0: training.encoder_lr_ratio: 0.0 is out of range");
    assertThatThrownBy(() -> with("training.target_k1", 1))
        .hasMessageContaining("did you mean training.target_kl?");
  }

  @Test
  void refusesKeysOfAnotherSection() {
    assertThatThrownBy(() -> with("training.latent_dim", 5))
        .hasMessageContaining("training.latent_dim: unknown key");
    assertThatThrownBy(() -> with("model.beta_kl", 1))
        .hasMessageContaining("model.beta_kl: unknown key");
  }

  @Test
  void takesWholeNumbersWrittenWithAnExponent() {
    assertThat(with("training.max_steps", 1e5).training().maxSteps()).isEqualTo(100_000);
  }

  @Test
  void saysWhatIsNotBuiltInThisVersion() {
    assertThatThrownBy(() -> with("training.use_deepspeed", true))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("training.use_deepspeed: ")
        .hasMessageContaining("is not built in this version; ")
        .hasMessageContaining("use_fsdp");
    assertThatThrownBy(() -> with("training.precision", "fp31"))
        .hasMessageContaining("'fp31' is unknown; allowed are fp32");
  }

  @Test
  void tellsThatMetricsStayInTheRunFolder() {
    ConfigNode.Mapping document = (ConfigNode.Mapping) ConfigJson.read(SEED_FILE, "run.json");
    List<String> notes = new ArrayList<>();
    RunConfig config =
        RunConfig.read(
            document
                .with("training.wandb_project", text("free-transformer"))
                .with("training.wandb_run_name", text("")),
            notes::add);
    assertThat(config).isEqualTo(read(SEED_FILE));
    assertThat(notes)
        .hasSize(2)
        .anySatisfy(note ->
            assertThat(note)
                .startsWith("training.wandb_project has no effect")
                .contains("metrics.jsonl", "TensorBoard"));
    assertThatThrownBy(() -> with("training.wandb_project", 3))
        .hasMessageContaining("training.wandb_project: must be text");
  }

  private static ConfigNode text(String value) {
    return new ConfigNode.Scalar(value, Origin.of("run.json"));
  }

  @Test
  void acceptsTheNeutralSettingOfWhatIsNotBuilt() {
    assertThat(with("training.precision", "fp32")).isEqualTo(read(SEED_FILE));
    assertThat(with("training.fsdp_config", Map.of())).isEqualTo(read(SEED_FILE));
  }

  @Test
  void readsHowAModelIsSharded() {
    assertThat(read(SEED_FILE).training().sharding()).isEqualTo(ShardingConfig.DEFAULT);
    RunConfig hybrid =
        with(
            "training.fsdp_config",
            Map.of("sharding_strategy", "HYBRID_SHARD", "node_ranks", 2, "min_num_params", 1e6));
    assertThat(hybrid.training().sharding().plan().strategy()).isEqualTo(Strategy.HYBRID_SHARD);
    assertThat(hybrid.training().sharding().plan().nodeRanks()).isEqualTo(2);
    assertThat(with("training.use_fsdp", false).training().sharding().plan().strategy())
        .isEqualTo(Strategy.NO_SHARD);
    assertThatThrownBy(() -> with("training.fsdp_config", Map.of("sharding_strategy", "full")))
        .hasMessageContaining("allowed are full-shard, shard-grad-op, no-shard, hybrid-shard");
    assertThatThrownBy(() -> with("training.fsdp_config", Map.of("strategy", "x")))
        .hasMessageContaining("unknown key");
    assertThatThrownBy(() -> with("training.fsdp_config", Map.of("node_ranks", 0)))
        .hasMessageContaining("node_ranks");
    assertThatThrownBy(() -> with("training.fsdp_config", Map.of("min_num_params", -1)))
        .hasMessageEndingWith(
            "min_num_params: -1 is out of range; allowed are whole numbers from 0 to 1099511627776;"
                + " nearest is 0");
    assertThat(with("training.fsdp_config", Map.of("cpu_offload", true)).training().sharding())
        .matches(ShardingConfig::cpuOffload);
    assertThatThrownBy(() ->
            with(
                "training.fsdp_config",
                Map.of("cpu_offload", true, "sharding_strategy", "no-shard")))
        .hasMessageContaining("training.fsdp_config.cpu_offload: true needs use_fsdp");
  }

  @Test
  void readsHowDocumentsBecomeExamples() {
    assertThat(with("data.tokenizer_name", "gpt2").data().text().tokenizer()).isEqualTo("gpt2");
    TextConfig text =
        read("""
        {"model": {"max_seq_len": 64}, "data": {"dataset_name": "jsonl", "text_field": "body",
         "split": "tails", "validation_fraction": 0.02, "cross_documents": false,
         "tokenizer": "x/tokenizer.json"}}\
        """)
            .data()
            .text();
    assertThat(text)
        .isEqualTo(new TextConfig("x/tokenizer.json", "body", SplitRule.TAILS, 0.02, false, ""));
    assertThatThrownBy(() -> with("data.validation_fraction", 0.6))
        .hasMessageContaining("data.validation_fraction: 0.6 is out of range")
        .hasMessageEndingWith("nearest is 0.5");
    assertThatThrownBy(() -> with("data.split", "tail"))
        .hasMessageContaining("'tail' is unknown; allowed are auto, documents, tails");
  }

  @Test
  void refusesAModelTooSmallForItsData() {
    String letters = "{\"model\": {\"vocab_size\": %d, \"max_seq_len\": %d}, %s}";
    String data = "\"data\": {\"dataset_name\": \"plan-letters\"}";
    assertThat(read(letters.formatted(29, 65, data)).data().sequenceLength()).isEqualTo(65);
    assertThatThrownBy(() -> read(letters.formatted(28, 65, data)))
        .hasMessageStartingWith("run.json:1: model.vocab_size: 28 is too small")
        .hasMessageEndingWith("nearest is 29");
    assertThatThrownBy(() -> read(letters.formatted(29, 64, data)))
        .hasMessageStartingWith("run.json:1: model.max_seq_len: 64 is too small")
        .hasMessageEndingWith("nearest is 65");
  }

  @Test
  void namesTheNearestDataset() {
    assertThatThrownBy(() -> with("data.dataset_name", "plan_letter"))
        .hasMessageEndingWith(
            "'plan_letter' is unknown; allowed are synthetic, plan-letters, text, jsonl, parquet,"
                + " hf, jdk-source, tokens; nearest is plan-letters");
  }
}
