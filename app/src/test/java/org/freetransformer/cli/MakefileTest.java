package org.freetransformer.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.InstanceOfAssertFactories.MAP;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What the Makefile promises exists: its targets, and the commands, options and files it names. */
class MakefileTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Pattern LISTED = Pattern.compile("(?m)^  ([a-z][a-z0-9-]*)  +\\S.*$");

  private static List<String> targets;

  @BeforeAll
  static void readTheHelp() throws Exception {
    boolean found =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "make")));
    assumeTrue(found, "make is not on the PATH: the Makefile is not tested");
    targets = matches(LISTED, make()).map(match -> match.group(1)).toList();
  }

  private static String make(String... arguments) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder("make", "--no-print-directory");
    builder.command().addAll(List.of(arguments));
    // A make around this test must not change what is asked here.
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.startsWith("MAKE") || name.equals("MFLAGS"));
    Process process = builder.directory(ROOT.toFile()).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  private static Stream<MatchResult> matches(Pattern pattern, String text) {
    return pattern.matcher(text).results();
  }

  /** What all targets would run, each command on a line of its own. */
  private static List<String> commands() throws IOException, InterruptedException {
    StringBuilder commands = new StringBuilder();
    for (String target : targets) {
      commands.append(make("--dry-run", target).replaceAll("\\\\\n\\s*", ""));
    }
    return commands.toString().lines().distinct().toList();
  }

  @Test
  void helpListsEveryTargetAndNoOther() throws Exception {
    String text = Files.readString(ROOT.resolve("Makefile"));
    List<String> rules =
        matches(Pattern.compile("(?m)^([a-z][a-z0-9-]*):(?!=)"), text)
            .map(match -> match.group(1))
            .toList();
    assertThat(targets).contains("help", "demo", "train-free", "test").isEqualTo(rules);
    String phony =
        matches(Pattern.compile("\\.PHONY: ((?:.*\\\\\n)*.*)"), text)
            .map(match -> match.group(1).replace("\\\n", " "))
            .collect(joining(" "));
    assertThat(phony.strip().split("\\s+")).containsExactlyInAnyOrderElementsOf(targets);
  }

  @Test
  void everyCommandOfFtExistsWithTheOptionsThatAreGiven() throws Exception {
    List<String> calls =
        commands().stream()
            .filter(line -> line.startsWith("./ft "))
            .map(line -> line.substring("./ft ".length()))
            .toList();
    assertThat(calls).anyMatch(call -> call.startsWith("train ")).hasSizeGreaterThan(10);
    for (String call : calls) {
      List<String> words = FtCalls.words(call);
      assertThatCode(() -> FtCalls.parse(words)).as(call).doesNotThrowAnyException();
    }
  }

  @Test
  void composeHasTheServicesThatAreNamed() throws Exception {
    String file = Files.readString(ROOT.resolve("docker-compose.yml"));
    Object compose = new Load(LoadSettings.builder().build()).loadFromString(file);
    Object services = compose instanceof Map<?, ?> map ? map.get("services") : null;
    assertThat(services).isInstanceOf(Map.class);
    String commands = String.join("\n", commands());
    assertThat(matches(Pattern.compile("docker-compose (?:up|run --rm) (\\S+)"), commands))
        .extracting(match -> match.group(1))
        .contains("free-transformer-demo")
        .allSatisfy(service -> assertThat(services).asInstanceOf(MAP).containsKey(service));
    assertThat(matches(Pattern.compile("dockerfile: (\\S+)"), file))
        .isNotEmpty()
        .allSatisfy(match -> assertThat(ROOT.resolve(match.group(1))).exists());
  }

  @Test
  void everyFileAndModuleIsThere() throws Exception {
    String commands = String.join("\n", commands());
    Pattern files = Pattern.compile("(?:^|\\s)((?:configs|scripts|docker|\\.ci)/[\\w./-]+)");
    assertThat(matches(files, commands).map(match -> match.group(1)))
        .contains("configs/plan-letters.yaml", "scripts/format")
        .allSatisfy(file -> assertThat(ROOT.resolve(file)).exists());
    Pattern modules = Pattern.compile("-pl '?([\\w!,-]+)");
    assertThat(
            matches(modules, commands).flatMap(match -> Stream.of(match.group(1).split(",", -1))))
        .contains("app")
        .allSatisfy(module ->
            assertThat(ROOT.resolve(module.replace("!", "")).resolve("pom.xml")).exists());
  }
}
