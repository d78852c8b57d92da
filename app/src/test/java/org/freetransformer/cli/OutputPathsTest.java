package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.run.FileTree;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files where folders are needed, and folders where files are: told before anything is done. */
class OutputPathsTest {
  @TempDir private Path folder;
  private Path file;
  private Path empty;
  private Path text;

  @BeforeEach
  void makePaths() throws IOException {
    file = Files.writeString(folder.resolve("file"), "mine");
    empty = Files.createDirectory(folder.resolve("empty"));
    text = Files.writeString(folder.resolve("a.txt"), "To be, or not to be. ".repeat(50));
  }

  @AfterEach
  void nothingIsTouched() {
    assertThat(file).hasContent("mine");
    assertThat(empty).isEmptyDirectory();
  }

  @Test
  void aFolderIsNeeded() {
    ft("data", "generate", "--set", "data.dataset_name=plan-letters", "--out", file)
        .refused(file + ": cannot be written", "a file of this name is in the way");
    ft("data", "prepare", "--in", text, "--out", file).refused(file + ": cannot be written");
  }

  @Test
  void aFileIsNeeded() {
    ft("collapse", "--seconds", 0, "--out", empty).refused(empty + ": is a folder");
    ft("collapse", "--seconds", 0, "--out", file.resolve("x")).refused("cannot be written");
    ft("collapse", "--seconds", 0, "--out", folder.resolve("x"), "--report", empty)
        .refused(empty + ": is a folder; the name of a file is needed");
    ft("data", "tokenizer", "--in", text, "--vocab", 260, "--out", empty)
        .refused(empty + ": is a folder");
  }

  @Test
  void aSavedModelNeedsAPlace() throws IOException {
    Path run = TinyRun.trained(folder, "--quiet", "--set", "model.kind=baseline");
    Path inside = file.resolve("model.safetensors");
    ft("checkpoint", "convert", run, inside).refused(file + ": cannot be written");
    ft("checkpoint", "convert", run, file.resolve("llama")).refused(file + ": cannot be written");
    ft("checkpoint", "consolidate", run, inside).refused(file + ": cannot be written");
    ft("checkpoint", "upcycle", run, inside).refused(file + ": cannot be written");
  }

  /** Two samples are shown when both are written: nothing must stop that any more. */
  @Test
  void textIsNotLostToAPlanThatCannotBeSaved() throws IOException {
    Path run = TinyRun.trained(folder, "--quiet");
    Object[] words = {"generate", "--run", run, "--prompt", "K>", "--n", 2, "--save-plan"};
    ft(words, empty).refused(empty + ": is a folder; the name of a file is needed");
    ft(words, file.resolve("plan.json")).refused(file + ": cannot be written");
    Outcome outcome = ft(words, folder.resolve("long".repeat(100)));
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.out().lines()).hasSize(2).allMatch(line -> line.startsWith("K>"));
    assertThat(outcome.err()).hasLineCount(1).containsIgnoringCase("file name too long");
  }

  @Test
  void plansArePrintedWherePicturesCannotBeWritten() throws IOException {
    Path run = TinyRun.trained(folder, "--quiet");
    ft("plans", "--run", run, "--out", file).refused(file + ": cannot be written");
    Path plots = run.resolve("plots");
    FileTree.delete(plots);
    Files.writeString(plots, "in the way");
    Outcome outcome = ft("plans", "--run", run, "--examples", 4, "--steered", 1, "--json", "-q");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.out()).contains("\"bits\":[{");
    assertThat(outcome.err()).hasLineCount(1).contains("plots");
  }
}
