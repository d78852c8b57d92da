package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataCommandTest {
  @TempDir private Path folder;
  private Path lines;
  private Path tokenizer;
  private Path tokens;

  @BeforeEach
  void writeLines() throws IOException {
    lines = folder.resolve("lines.jsonl");
    tokenizer = folder.resolve("tokenizer.json");
    tokens = folder.resolve("tokens");
    StringBuilder text = new StringBuilder();
    Random random = new Random(1);
    String[] words = {"to", "be", "or", "not", "that", "is", "the", "question"};
    for (int i = 0; i < 200; i++) {
      text.append("{\"body\": \"");
      for (int j = 0; j < 30; j++) {
        text.append(words[random.nextInt(words.length)]).append(' ');
      }
      text.append("\"}\n");
    }
    Files.writeString(lines, text.append("damaged\n{\"text\": 1}\n"));
  }

  private void trainTokenizer() {
    JsonNode trained =
        ft(
                "data",
                "tokenizer",
                "--in",
                lines,
                "--field",
                "body",
                "--vocab",
                280,
                "--out",
                tokenizer,
                "--json",
                "--quiet")
            .json();
    assertThat(trained.path("tokens").asInt()).isEqualTo(280);
    assertThat(trained.path("skipped").asInt()).isEqualTo(2);
  }

  private Outcome prepare(Object... more) {
    Object[] words = {
      "data", "prepare", "--in", lines, "--field", "body", "--tokenizer", tokenizer, "--out", tokens
    };
    Object[] all = new Object[words.length + more.length];
    System.arraycopy(words, 0, all, 0, words.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return ft(all);
  }

  /** Data that moved, and in its old place something else. */
  @Test
  void aRunGoesOnWithTokensInAnotherPlace() throws IOException {
    trainTokenizer();
    assertThat(prepare("--quiet").code()).isZero();
    Path run = folder.resolve("run");
    Path config = Files.writeString(folder.resolve("run.yaml"), config());
    ft("train", "--config", config, "--out", run, "--quiet", "--set", "training.max_steps=1");
    Path moved = Files.move(tokens, folder.resolve("moved"));
    Files.createDirectory(tokens);
    Files.writeString(tokens.resolve("manifest.json"), "{\"name\": \"a web app\"}");
    Object[] words = {
      "train", "--resume", "--out", run, "--json", "--set", "data.data_dir=" + moved
    };
    assertThat(ft(words).json().path("steps").asInt()).isEqualTo(1);
  }

  private String config() {
    return """
    model:
      vocab_size: 280
      hidden_dim: 16
      num_layers: 2
      num_heads: 2
      ffn_hidden_dim: 32
      max_seq_len: 32
      latent_dim: 4
    training: {max_steps: 2, warmup_steps: 1, batch_size: 4, save_every: 1, seed: 3}
    data:
      dataset_name: tokens
      data_dir: '%s'
    """
        .formatted(tokens);
  }

  @Test
  void aModelTrainedOnPreparedTokensNeedsNothingElse() throws IOException {
    trainTokenizer();
    Outcome outcome = prepare("--json");
    JsonNode prepared = outcome.json();
    assertThat(prepared.path("train").path("documents").asInt()).isBetween(160, 195);
    assertThat(prepared.path("tokens").asInt())
        .isEqualTo(
            prepared.path("train").path("tokens").asInt()
                + prepared.path("validation").path("tokens").asInt());
    assertThat(prepared.path("skipped").path("damaged-line").asInt()).isEqualTo(1);
    assertThat(prepared.path("skipped").path("no-text").asInt()).isEqualTo(1);
    assertThat(outcome.err())
        .contains("skipped " + lines + ":201: damaged JSON line", "1 skipped: no text");

    Path run = folder.resolve("run");
    Path config = Files.writeString(folder.resolve("run.yaml"), config());
    assertThat(ft("train", "--config", config, "--out", run, "--quiet").code()).isZero();
    JsonNode evaluated = ft("eval", "--run", run, "--json", "--quiet").json();
    double perToken = evaluated.path("nll_bound").asDouble();
    assertThat(evaluated.path("bits_per_byte").asDouble())
        .isLessThan(perToken / Math.log(2) / 2)
        .isPositive();

    // Neither the tokenizer nor the data is needed to write, and the run may move.
    Files.delete(tokenizer);
    Files.delete(tokens.resolve("tokenizer.json"));
    Files.writeString(tokens.resolve("manifest.json"), "{");
    Path moved = Files.move(run, folder.resolve("moved"));
    JsonNode sample =
        ft("generate", "--run", moved, "--prompt", "to be", "--max-tokens", 5, "--json", "--quiet")
            .json()
            .path("samples")
            .path(0);
    assertThat(sample.path("tokens")).isNotEmpty();
    assertThat(sample.path("text").asText()).isNotEmpty();
  }

  @Test
  void aRunGoesOnWithoutTheOriginalTokenizer() throws IOException {
    trainTokenizer();
    assertThat(prepare("--quiet").code()).isZero();
    Path run = folder.resolve("run");
    Path config = Files.writeString(folder.resolve("run.yaml"), config());
    ft("train", "--config", config, "--out", run, "--quiet", "--set", "training.max_steps=1");
    Files.delete(tokenizer);
    Outcome resumed =
        ft("train", "--resume", "--out", run, "--quiet", "--set", "training.max_steps=2", "--json");
    assertThat(resumed.json().path("steps").asInt()).isEqualTo(2);
  }

  @Test
  void preparesOnceAndRefusesToMix() {
    trainTokenizer();
    assertThat(prepare("--quiet").code()).isZero();
    assertThat(prepare("--quiet", "--threads", 1).code()).isZero();
    prepare("--quiet", "--seed", 9).refused("holds tokens of other data or settings");
    ft("data", "prepare", "--in", lines, "--out", folder.resolve("x"), "--quiet")
        .refused("holds no document: 202 skipped", "'text'; the object has body");
    prepare("--split", "halves")
        .refused("--split halves: data.split: 'halves' is unknown; allowed are auto, documents");
    prepare("--validation-fraction", 2).refused("--validation-fraction 2.0: ", "nearest is 0.5");
    prepare("--threads", 0).refused("--threads: 0 is out of range");
    ft("data", "prepare", "--out", folder.resolve("x")).refused("--config", "--in");
    ft("data").refused("a command is missing");
  }

  /** As training finds it. */
  @Test
  void aRelativePathIsLookedForBesideItsConfiguration() throws IOException {
    Path beside = Files.createDirectory(folder.resolve("beside"));
    Files.writeString(beside.resolve("a.txt"), "To be, or not to be. ".repeat(100));
    String data = "data: {dataset_name: text, data_dir: beside/a.txt}";
    Path config = Files.writeString(folder.resolve("text.yaml"), data);
    Outcome made = ft("data", "prepare", "--config", config, "--out", tokens, "--quiet");
    assertThat(made.code()).as(made.err()).isZero();
    Path out = folder.resolve("tokenizer.json");
    Outcome learnt =
        ft("data", "tokenizer", "--config", config, "--vocab", 260, "--out", out, "--quiet");
    assertThat(learnt.code()).as(learnt.err()).isZero();
  }

  /** The data that is corrected is other data, for which the folder must be free. */
  @Test
  void aRefusedPreparationCanBeCorrected() throws IOException {
    trainTokenizer();
    Path empty = Files.writeString(folder.resolve("empty.jsonl"), "\n");
    Path damaged = Files.writeString(folder.resolve("damaged.parquet"), "PAR1 is all it has");
    for (Path wrong : List.of(empty, damaged)) {
      ft("data", "prepare", "--in", wrong, "--tokenizer", tokenizer, "--out", tokens, "--quiet")
          .refused("the data holds no document");
      assertThat(tokens).isDirectoryNotContaining("glob:**/[!.]*");
    }
    assertThat(prepare("--quiet").code()).isZero();
  }

  @Test
  void anArchiveOfFoldersAloneIsRefused() throws IOException {
    Path archive = folder.resolve("empty.zip");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive))) {
      zip.putNextEntry(new ZipEntry("folder/"));
    }
    ft("data", "prepare", "--in", archive, "--out", tokens, "--quiet")
        .refused(archive + ": holds no files");
    assertThat(tokens).doesNotExist();
  }

  @Test
  void anEmptyFolderIsToldByTheOptionThatNamesIt() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    ft("data", "prepare", "--in", empty, "--out", folder.resolve("x"))
        .refused("--in: " + empty + " holds no files");
  }

  @Test
  void saysThatNothingIsHeldOut() throws IOException {
    Path text = Files.writeString(folder.resolve("a.txt"), "one document");
    Outcome outcome = ft("data", "prepare", "--in", text, "--split", "documents", "--out", tokens);
    assertThat(outcome.code()).isZero();
    assertThat(outcome.err()).containsPattern("no document fell to the (train|validation) side");
    ft("data", "prepare", "--in", text, "--out", folder.resolve("tails"), "--json").json();
  }

  @Test
  void refusesDataOfAnotherTokenizer() throws IOException {
    trainTokenizer();
    assertThat(prepare("--quiet").code()).isZero();
    Path config = Files.writeString(folder.resolve("run.yaml"), config());
    ft("train", "--config", config, "--set", "data.tokenizer=byte", "--out", folder.resolve("run"))
        .refused("was prepared with " + tokens.resolve("tokenizer.json") + ", not with byte");
    ft("train", "--config", config, "--set", "model.vocab_size=279", "--out", folder.resolve("r"))
        .refused("model.vocab_size: 279 is too small", "nearest is 280");
  }

  @Test
  void writesBothSyntheticSets() throws IOException {
    Path letters = folder.resolve("letters");
    JsonNode made =
        ft(
                "data",
                "generate",
                "--set",
                "data.dataset_name=plan-letters",
                "--set",
                "data.num_train_samples=7",
                "--set",
                "data.num_val_samples=3",
                "--out",
                letters,
                "--json")
            .json();
    assertThat(made.path("tokens").asInt()).isEqualTo(10 * 66);
    assertThat(Files.readAllLines(letters.resolve("train.jsonl")))
        .hasSize(7)
        .allMatch(line -> line.matches("\\{\"text\":\"[A-Z]>[A-Z_!]{64}\"}"));
    Path uniform = folder.resolve("uniform");
    Object[] words = {
      "data",
      "generate",
      "--set",
      "data.num_train_samples=8",
      "--set",
      "data.num_val_samples=4",
      "--set",
      "data.synthetic_seq_length=17",
      "--set",
      "data.synthetic_vocab_size=29",
      "--out",
      uniform
    };
    assertThat(ft(words).code()).isZero();
    ft(words).refused("train.pt is there already");
    Path train = uniform.resolve("train.pt");
    byte[] whole = Files.readAllBytes(train);
    Files.move(train, uniform.resolve(".train.pt.1.tmp")); // As Ctrl-C leaves it.
    assertThat(ft(words).code()).isZero();
    assertThat(train).hasBinaryContent(whole);
    Path config =
        Files.writeString(
            folder.resolve("run.yaml"),
            TinyRun.CONFIG.replace(
                "dataset_name: plan-letters",
                "dataset_name: synthetic\n  synthetic_seq_length: 17\n  data_dir: '%s'"
                    .formatted(uniform)));
    JsonNode trained =
        ft("train", "--config", config, "--out", folder.resolve("run"), "--json", "--quiet").json();
    assertThat(trained.path("tokens").asInt()).isEqualTo(4 * 4 * 16);
    ft("train", "--config", config, "--set", "data.synthetic_seq_length=18", "--out", folder)
        .refused("synthetic_seq_length: 18 is not the 17 of the sequences in");
  }

  @Test
  void textIsPreparedAsItIsTrainedOn() throws IOException {
    Path text = Files.writeString(folder.resolve("a.txt"), "To be, or not to be. ".repeat(100));
    Path cache = folder.resolve("cache");
    Path config =
        Files.writeString(
            folder.resolve("run.yaml"),
            config()
                .replace("tokens\n", "text\n")
                .replace(tokens.toString(), text.toString())
                .toLowerCase(Locale.ROOT)
                .replace(text.toString().toLowerCase(Locale.ROOT), text.toString()));
    Outcome trained =
        ft(
            "train",
            "--config",
            config,
            "--set",
            "data.cache_dir=" + cache,
            "--out",
            folder.resolve("run"));
    assertThat(trained.code()).as(trained.err()).isZero();
    assertThat(trained.err()).contains("making tokens of 2,100 bytes in " + cache);
    assertThat(cache).isDirectoryContaining(path -> path.toString().contains("text-"));
  }
}
