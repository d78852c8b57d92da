package org.freetransformer.docs;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The program takes what documents tell a reader to type, and their links lead somewhere. */
class DocumentedCommandsTest {
  private static final String COMMENT = "#   ";

  static List<MarkdownPage> documents() {
    return MarkdownPage.all();
  }

  /** Of each preset the commands that its comment begins with, as a page. */
  static List<MarkdownPage> presets() throws IOException {
    try (Stream<Path> files = Files.list(MarkdownPage.ROOT.resolve("configs"))) {
      return files.sorted().map(MarkdownPage::read).map(DocumentedCommandsTest::comment).toList();
    }
  }

  private static MarkdownPage comment(MarkdownPage preset) {
    String commands =
        preset
            .text()
            .lines()
            .takeWhile(line -> line.startsWith("#"))
            .filter(line -> line.startsWith(COMMENT))
            .map(line -> line.substring(COMMENT.length()))
            .collect(joining("\n"));
    return new MarkdownPage(preset.file(), "```sh\n" + commands + "\n```\n");
  }

  @ParameterizedTest
  @MethodSource("documents")
  void whatADocumentTellsIsThere(MarkdownPage page) {
    assertThat(DocumentCheck.problems(page)).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("presets")
  void whatAPresetTellsIsThere(MarkdownPage commands) {
    assertThat(commands.blocks().getFirst().code()).contains("./ft ");
    assertThat(DocumentCheck.problems(commands)).isEmpty();
  }

  @Test
  void documentsHaveCommands() {
    assertThat(documents())
        .flatMap(MarkdownPage::blocks)
        .flatMap(ShellCommands::of)
        .filteredOn(command -> command.contains("./ft "))
        .hasSizeGreaterThan(40);
  }

  /** Errors that the check must find, each alone on a page. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "./ft trian --out runs/x                                       | trian",
        "./ft train --confg configs/text.yaml                          | --confg",
        "./ft train --config configs/texts.yaml                        | configs/texts.yaml",
        "./ft train --config configs/text.yaml --set model.layers=3    | num_layers",
        "./ft train --config configs/text.yaml --set model.num_heads=0 | nearest is 1",
        "./ft inspect                                                  | PATH",
        "mpirun -n 2 ./ft train --distribute mpi --config x.yaml       | --distribute",
        "TORNADOVM_HOME=x ./ft devises                                 | devises",
        "docker run --rm free-transformer dem --quick                  | dem",
        "make docs-bild                                                | docs-bild",
        "scripts/fomrat --all                                          | scripts/fomrat",
        "cd x && ./ft evla --run runs/x                                | evla"
      })
  void wrongCommandsAreFound(String command, String named) {
    List<String> problems = DocumentCheck.problems(page("```sh\n" + command + "  # why\n```\n"));
    assertThat(problems).isNotEmpty().allSatisfy(problem -> assertThat(problem).contains(named));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "`./ft trian` does it               | trian",
        "`./ft train … --rank N` does it    | --rank",
        "`ft data prepair` does it          | prepair",
        "[guide](training/guide.md#keyes)   | keyes",
        "[guide](training/gide.md)          | gide.md",
        "[here](#nowhere)                   | nowhere",
        "see configs/plan-leters.yaml       | plan-leters"
      })
  void wrongWordsAndLinksAreFound(String text, String named) {
    assertThat(DocumentCheck.problems(page(text + "\n")))
        .hasSize(1)
        .first()
        .asString()
        .contains(named);
  }

  private static MarkdownPage page(String text) {
    return new MarkdownPage(MarkdownPage.ROOT.resolve("docs/broken.md"), text);
  }
}
