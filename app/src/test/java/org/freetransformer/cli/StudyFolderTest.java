package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Studies do not write over runs, nor over one another. */
class StudyFolderTest {
  @TempDir private Path folder;
  private Path config;
  private Path study;

  @BeforeEach
  void makeFolder() throws IOException {
    config = TinyRun.config(folder);
    study = Files.createDirectory(folder.resolve("study"));
  }

  private Outcome start(String command) {
    List<Object> words = new ArrayList<>(List.of(command, "--out", study));
    words.addAll(command.equals("demo") ? List.of("--quick") : List.of("--config", config));
    return ft(words.toArray());
  }

  private void requireNothingElse(String name, String content) throws IOException {
    try (Stream<Path> files = Files.list(study)) {
      assertThat(files).containsExactly(study.resolve(name));
    }
    assertThat(study.resolve(name)).hasContent(content);
  }

  @ParameterizedTest
  @ValueSource(strings = {"demo", "precision", "compare"})
  void refuseTheFolderOfARun(String command) throws IOException {
    Files.writeString(study.resolve("config.yaml"), TinyRun.CONFIG);
    start(command).refused("--out " + study, "is the folder of a run; name another");
    requireNothingElse("config.yaml", TinyRun.CONFIG);
  }

  @ParameterizedTest
  @ValueSource(strings = {"demo", "precision", "compare"})
  void refuseResultsOfAnother(String command) throws IOException {
    String other = command.equals("demo") ? "precision" : "demo";
    String results = "{\"environment\":{\"command\":[\"%s\",\"--quiet\"]}}".formatted(other);
    Files.writeString(study.resolve(StudyFolder.RESULTS), results);
    start(command).refused("holds the results of ft %s already".formatted(other));
    requireNothingElse(StudyFolder.RESULTS, results);
    Files.writeString(study.resolve(StudyFolder.RESULTS), "my own");
    start(command).refused("holds the results of something else already");
    requireNothingElse(StudyFolder.RESULTS, "my own");
  }

  @Test
  void aFinishedOneNeedsAnotherFolder() throws IOException {
    String results = "{\"environment\":{\"command\":[\"precision\"]}}";
    Files.writeString(study.resolve(StudyFolder.RESULTS), results);
    start("precision").refused("holds the results of ft precision already; name another folder");
    requireNothingElse(StudyFolder.RESULTS, results);
  }
}
