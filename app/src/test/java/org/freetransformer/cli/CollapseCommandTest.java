package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import java.io.IOException;
import java.nio.file.Path;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.run.FolderLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CollapseCommandTest {
  @TempDir private Path folder;

  @Test
  void refusesAFileThatHoldsSomethingElseAndLeavesItAsItIs() throws IOException {
    Path config = TinyRun.config(folder);
    ft("collapse", "--out", config, "--seconds", 0, "--seeds", 1)
        .refused(config + ":1: is not a run of this study", "name another --out");
    assertThat(config).content().isEqualTo(TinyRun.CONFIG);
  }

  @Test
  void refusesATimeBelowNoneBeforeAnythingIsMade() {
    Path file = folder.resolve("made/runs.jsonl");
    ft("collapse", "--out", file, "--seconds", -1).refused("--seconds: -1", "nearest is 0");
    assertThat(folder.resolve("made")).doesNotExist();
  }

  @Test
  void tablesAreNotLostToADocumentThatCannotBeWritten() {
    Path report = folder.resolve("long".repeat(100));
    Path file = folder.resolve("runs.jsonl");
    Outcome outcome = ft("collapse", "--out", file, "--seconds", 0, "--report", report);
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.out()).contains("| recipe | runs |");
    assertThat(outcome.err()).containsIgnoringCase("file name too long");
  }

  /** Each of two processes would put a file of its own in the other's place. */
  @Test
  void oneStudyAtATimeWritesInAFolder() throws IOException {
    Path file = folder.resolve("runs.jsonl");
    try (FolderLock _ = FolderLock.take(folder, _ -> {})) {
      ft("collapse", "--out", file, "--seconds", 0)
          .refused(folder + ": is in use by", "name another");
      assertThat(file).doesNotExist();
    }
    assertThat(ft("collapse", "--out", file, "--seconds", 0).code()).isZero();
  }
}
