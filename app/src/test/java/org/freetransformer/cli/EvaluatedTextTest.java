package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders for {@code eval --data}: read by what they hold, whatever the model was trained on. */
class EvaluatedTextTest {
  @TempDir private static Path shared;

  /** The same rows in files of three kinds: as texts, as lines of JSON, as tokens. */
  private static Path texts;

  private static Path lines;
  private static Path tokens;

  @TempDir private Path folder;

  @BeforeAll
  static void writeData() throws IOException {
    texts = Files.createDirectory(shared.resolve("texts"));
    lines = Files.createDirectory(shared.resolve("lines"));
    tokens = shared.resolve("tokens");
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 60; i++) {
      String text = "Whether 'tis nobler in the mind to suffer, or %d.".formatted(i);
      Files.writeString(texts.resolve("%02d.txt".formatted(i)), text);
      rows.append("{\"text\": \"%s\"}\n".formatted(text));
    }
    Files.writeString(lines.resolve("rows.jsonl"), rows);
    Outcome prepared = ft("data", "prepare", "--in", texts, "--out", tokens, "--quiet");
    assertThat(prepared.code()).as(prepared.err()).isZero();
  }

  private Path trainedOn(String dataset, Path data) throws IOException {
    return TinyRun.trained(
        folder,
        "--set=model.vocab_size=256",
        "--set=data.dataset_name=" + dataset,
        "--set=data.data_dir=" + data,
        "--set=data.max_length=16",
        "--set=data.cache_dir=" + shared.resolve("cache"));
  }

  private static void requireSame(Path run) {
    JsonNode own = ft("eval", "--run", run, "--json").json();
    assertThat(own.path("tokens").asInt()).isPositive();
    for (Path same : new Path[] {texts, lines, tokens}) {
      Outcome outcome = ft("eval", "--run", run, "--data", same, "--json");
      assertThat(outcome.json()).as(same.toString()).isEqualTo(own);
    }
  }

  @Test
  void ofAModelOfLines() throws IOException {
    requireSame(trainedOn("jsonl", lines));
  }

  @Test
  void ofAModelOfTokens() throws IOException {
    Path run = trainedOn("tokens", tokens);
    requireSame(run);
    Path damaged = Files.createDirectory(folder.resolve("damaged"));
    for (String name : new String[] {"train-00000.tokens", "train-00000.ends"}) {
      Files.copy(tokens.resolve(name), damaged.resolve(name));
    }
    ft("eval", "--run", run, "--data", damaged).refused(damaged + " holds no prepared tokens");
    Files.writeString(damaged.resolve("manifest.json"), "{");
    ft("eval", "--run", run, "--data", damaged).refused("manifest.json:1: is not valid JSON");
  }

  @Test
  void ofAModelOfTexts() throws IOException {
    requireSame(trainedOn("text", texts));
  }

  /** Their manifest would be taken for text. */
  @Test
  void tokensAreNotPreparedAgain() {
    ft("data", "prepare", "--in", tokens, "--out", folder.resolve("again"))
        .refused(tokens + ": holds prepared tokens", "data.dataset_name=tokens");
    assertThat(folder.resolve("again")).doesNotExist();
  }
}
