package org.freetransformer.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The programs in the folder {@code examples}, compiled and run in JVMs of their own, on a class
 * path that holds the library and nothing else.
 */
class ExamplesTest {
  private static final Path EXAMPLES = Path.of("..", "examples");
  private static final Pattern LIBRARY =
      Pattern.compile(
          ".*/(tensor|nn|freetransformer)/target/(classes|[a-z0-9.-]+(?i:-SNAPSHOT)?\\.jar)"
              + "|.*/(jackson-core|jspecify)-[0-9.]+\\.jar");

  @TempDir private static Path classes;
  private static String library;

  @TempDir private Path folder;

  @BeforeAll
  static void compile() throws IOException {
    library =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(entry -> entry.replace(File.separatorChar, '/').replaceFirst("/$", ""))
            .filter(LIBRARY.asMatchPredicate())
            .collect(Collectors.joining(File.pathSeparator));
    List<String> arguments =
        new ArrayList<>(List.of("-Xlint:all", "-Werror", "-cp", library, "-d", classes.toString()));
    try (Stream<Path> sources = Files.list(EXAMPLES.resolve("src/main/java/examples"))) {
      sources.map(Path::toString).forEach(arguments::add);
    }
    StringWriter messages = new StringWriter();
    PrintWriter writer = new PrintWriter(messages);
    ToolProvider javac = ToolProvider.findFirst("javac").orElseThrow();
    int status = javac.run(writer, writer, arguments.toArray(String[]::new));
    assertThat(status).as(messages.toString()).isZero();
  }

  private static List<String> run(int exitCode, String example, Path folder) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "-cp",
                classes + File.pathSeparator + library,
                "examples." + example,
                folder.toString())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isEqualTo(exitCode);
    return output.lines().toList();
  }

  @Test
  void aModelIsTrainedAndThenServed() throws Exception {
    List<String> trained = run(0, "TrainAndGenerate", folder);
    assertThat(trained).filteredOn(line -> line.startsWith("step ")).hasSize(2);
    assertThat(trained).filteredOn(line -> line.startsWith("K>")).hasSize(2);
    assertThat(folder.resolve("checkpoints/step-20/model.safetensors")).isNotEmptyFile();

    List<String> served = run(0, "PlanService", folder);
    assertThat(served)
        .filteredOn(line -> line.contains("K>"))
        .hasSize(3)
        .allSatisfy(line -> assertThat(line).hasSize("drawn:    K>".length() + 40));
    assertThat(served)
        .contains("replay writes to the same plans the same text: true")
        .contains("bit 0 is 1 in all plans: true");
  }

  @Test
  void aServiceWithoutACheckpointSaysSo() throws Exception {
    assertThat(run(1, "PlanService", folder))
        .anySatisfy(line -> assertThat(line).contains("no checkpoints; run TrainAndGenerate"));
  }

  @Test
  void aLoopOfOnesOwnLearnsPercentiles() throws Exception {
    List<String> lines = run(0, "CustomTraining", folder);
    assertThat(lines).contains("the loss's gradient agrees with finite differences");
    Pattern share = Pattern.compile("below the (\\d+) % curve: ([0-9.]+)");
    List<Matcher> shares = lines.stream().map(share::matcher).filter(Matcher::matches).toList();
    assertThat(shares)
        .hasSize(3)
        .allSatisfy(found ->
            assertThat(Double.parseDouble(found.group(2)))
                .as(found.group())
                .isEqualTo(Integer.parseInt(found.group(1)) / 100.0, within(0.04)));
  }

  @Test
  void theOutsideProjectAsksForThisVersion() throws IOException {
    Pattern version = Pattern.compile("<artifactId>%s</artifactId>\\s*<version>([^<]+)</version>");
    assertThat(first(version, "freetransformer", EXAMPLES.resolve("pom.xml")))
        .isEqualTo(first(version, "freetransformer-parent", EXAMPLES.resolveSibling("pom.xml")));
  }

  private static String first(Pattern template, String artifact, Path pom) throws IOException {
    Matcher found =
        Pattern.compile(template.pattern().formatted(artifact)).matcher(Files.readString(pom));
    assertThat(found.find()).as(artifact + " in " + pom).isTrue();
    return found.group(1);
  }
}
