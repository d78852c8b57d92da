package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;
import static org.freetransformer.cli.CommandLineTester.joined;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.train.RunConfig;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training that goes on from a saved model, whose shape and tokenizer nobody writes down. */
class FineTuningTest {
  private static final List<String> BRIEF =
      List.of("max_steps=3", "warmup_steps=1", "learning_rate=0.01", "batch_size=4", "samples=0");

  @TempDir private static Path shared;
  private static Path text;
  private static Path tokenizer;
  private static Path llama;

  @TempDir private Path folder;

  @BeforeAll
  static void makeALlama() throws IOException {
    text = Files.writeString(shared.resolve("a.txt"), "To be, or not to be. ".repeat(200));
    tokenizer = shared.resolve("own/tokenizer.json");
    Files.createDirectory(tokenizer.getParent());
    done(ft("data", "tokenizer", "--in", text, "--vocab", 270, "--out", tokenizer, "--quiet"));
    Path run =
        TinyRun.trained(
            shared,
            "--set=model.kind=baseline",
            "--set=model.vocab_size=288",
            "--set=model.max_seq_len=24",
            "--set=data.dataset_name=text",
            "--set=data.tokenizer=" + tokenizer,
            "--set=data.data_dir=" + text,
            "--set=data.cache_dir=" + shared.resolve("cache"));
    llama = shared.resolve("llama");
    done(ft("checkpoint", "convert", run, llama));
    Files.delete(tokenizer); // The folder has its own.
  }

  private static void done(Outcome outcome) {
    assertThat(outcome.code()).as(outcome.err()).isZero();
  }

  private Outcome tune(Path model, Object... more) {
    Stream<String> training = BRIEF.stream().map(key -> "--set=training." + key);
    Stream<Object> words =
        Stream.of("train", "--init", model, "--out", folder.resolve("tuned"), "--json");
    return ft(Stream.of(words, training, Arrays.stream(more)).flatMap(w -> w).toArray());
  }

  private Object[] onText() {
    return new Object[] {
      "--set=data.dataset_name=text",
      "--set=data.data_dir=" + text,
      "--set=data.cache_dir=" + folder.resolve("cache")
    };
  }

  private static JsonNode model(Path saved) {
    return ft("inspect", saved, "--json").json().path("model");
  }

  @Test
  void aLlamaIsTunedWithoutAConfiguration() throws IOException {
    double before =
        ft("eval", "--checkpoint", llama, "--data", text, "--json").json().path("nll").asDouble();
    JsonNode tuned = tune(llama, onText()).json();
    assertThat(tuned.at("/evaluation/nll").asDouble()).isLessThan(before);
    Path run = folder.resolve("tuned");
    assertThat(model(run)).isEqualTo(model(llama));
    assertThat(run.resolve("tokenizer.json"))
        .hasSameBinaryContentAs(llama.resolve("tokenizer.json"));
    RunConfig config = RunConfig.read(ConfigFile.read(run.resolve("config.yaml")), _ -> {});
    assertThat(config.data().text().tokenizer()).endsWith("llama/tokenizer.json");
    assertThat(ft("train", "--resume", "--out", run).code()).isZero();
  }

  @Test
  void anUpcycledLlamaIsTrainedWithoutAModelSection() throws IOException {
    Path free = folder.resolve("free.safetensors");
    done(ft("checkpoint", "upcycle", llama, free, "--latent-dim", 4));
    Path config =
        Files.writeString(
            folder.resolve("tune.yaml"),
            "training:\n  kappa_free_bits: 0.1\ndata:\n  dataset_name: text\n  data_dir: '%s'\n"
                .formatted(text));
    JsonNode trained =
        tune(
                free,
                "--config",
                config,
                "--set=model.dropout=0.1",
                "--set=model.max_seq_len=16",
                "--set=data.cache_dir=" + folder.resolve("cache"))
            .json();
    assertThat(trained.at("/evaluation/kl").asDouble()).isPositive();
    JsonNode model = model(folder.resolve("tuned"));
    assertThat(model.path("latent_dim").asInt()).isEqualTo(4);
    assertThat(model.path("dropout").asDouble()).isEqualTo(0.1);
    assertThat(model.path("max_seq_len").asInt()).isEqualTo(16);
  }

  @Test
  void itsMemoryIsPlanned() {
    Object[] words = {"plan-run", "--init", llama, "--json", "--set=training.batch_size=4"};
    JsonNode plan = ft(words, onText()).json();
    assertThat(plan.path("parameters"))
        .isEqualTo(ft("inspect", llama, "--json").json().path("parameters"));
  }

  @Test
  void whatInspectPrintsIsASectionOfAConfiguration() {
    String printed = ft("inspect", llama).out();
    int start = printed.indexOf("model:\n");
    String section = printed.substring(start, printed.indexOf("\n\n", start) + 1);
    RunConfig read =
        RunConfig.read(ConfigFile.parse(section + "data:\n  dataset_name: text\n", "x"), _ -> {});
    RunConfig tuned =
        RunConfig.read(
            ConfigFile.parse(
                "{model: %s, data: {dataset_name: text}}".formatted(model(llama)), "y"),
            _ -> {});
    assertThat(read.model()).isEqualTo(tuned.model());
    assertThat(read.model().maxSeqLen()).isEqualTo(24);
  }

  @Test
  void aContradictionIsNamed() {
    Object[] text = onText();
    tune(llama, text[0], text[1], "--set=model.hidden_dim=32")
        .refused(
            "--set model.hidden_dim=32: model.hidden_dim: is 32, but the run starts from",
            "whose hidden_dim is 16; leave the key out");
    tune(llama, text[0], text[1], "--set=model.kind=free")
        .refused("model.kind: is free", "ft checkpoint upcycle");
    tune(llama, text[0], text[1], "--set=model.latent_dim=4")
        .refused("model.latent_dim: is for plans", "model.kind: baseline");
    tune(llama, text[0], text[1], "--set=model.hidden_dims=16").refused("did you mean");
    tune(llama, text[0], text[1], "--set=model.hidden_dim=x").refused("must be a whole number");
    assertThat(folder.resolve("tuned")).doesNotExist();
  }

  @Test
  void dataMustBeNamedAndTokensKnown() throws IOException {
    tune(llama, "--set=data.data_dir=" + text)
        .refused("data.dataset_name: is missing", "--set data.dataset_name=text");
    Path bare = Files.createDirectory(folder.resolve("bare"));
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(llama.resolve(name), bare.resolve(name));
    }
    tune(bare, onText()).refused("data.tokenizer: is missing", "byte, gpt2");
    Outcome others = tune(llama, joined(onText(), "--set=data.tokenizer=byte"));
    assertThat(others.code()).isZero();
    assertThat(others.err()).contains("data.tokenizer is byte, but", "was trained with");
  }
}
