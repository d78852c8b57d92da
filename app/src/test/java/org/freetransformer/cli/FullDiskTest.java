package org.freetransformer.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that has no room for the tokens of a text: a file may have 100 KiB here. */
class FullDiskTest {
  @TempDir private Path folder;
  private Path text;

  @BeforeEach
  void writeText() throws IOException {
    text = Files.writeString(folder.resolve("a.txt"), "To be, or not to be. ".repeat(20_000));
  }

  /** Checks that a command fails in one line with 1, as what fails while it runs. */
  private static void requireFailure(Path file, Object... words) throws Exception {
    List<String> command = new ArrayList<>();
    Collections.addAll(command, "sh", "-c", "ulimit -f 200; exec \"$@\"", "sh");
    command.addAll(CommandLineTester.ownProcess());
    command.add(command.indexOf("-cp"), "-XX:-UsePerfData");
    for (Object word : words) {
      command.add(word.toString());
    }
    Process process = new ProcessBuilder(command).start();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(err).isEqualTo(1);
    assertThat(out).isEmpty();
    assertThat(err.lines().filter(line -> !line.startsWith("WARNING: Using incubator modules")))
        .singleElement()
        .asString()
        .contains("cannot write " + file, ": File too large");
  }

  @Test
  void isNamedByPrepare() throws Exception {
    Path out = folder.resolve("tokens");
    Object[] words = {"data", "prepare", "--in", text, "--out", out, "--quiet"};
    requireFailure(out.resolve("train-00000.tokens"), words);
    assertThat(CommandLineTester.ft(words).code()).isZero(); // With room, it goes on.
  }

  @Test
  void isNamedWhereTrainingMakesTheTokens() throws Exception {
    Path cache = folder.resolve("cache");
    requireFailure(
        cache.resolve("text-"),
        "train",
        "--config",
        TinyRun.config(folder),
        "--set=model.vocab_size=256",
        "--set=data.dataset_name=text",
        "--set=data.data_dir=" + text,
        "--set=data.max_length=16",
        "--set=data.cache_dir=" + cache,
        "--out",
        folder.resolve("run"),
        "--quiet");
  }
}
