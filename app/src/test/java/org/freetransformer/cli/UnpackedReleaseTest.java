package org.freetransformer.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Starts the real launcher as it lies in a release's zip: beside jars, without sources, in a folder
 * that holds no Maven and no compiler. {@code scripts/check-release} does it with the zip itself.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a bash script")
class UnpackedReleaseTest {
  private static final Path REPOSITORY = Path.of("..").toAbsolutePath().normalize();

  /** What a start printed, and how it ended. */
  private record Outcome(int exitCode, String out, String err) {}

  @TempDir private Path folder;
  private Path root;
  private Path runtime;

  @BeforeEach
  void unpack() throws IOException {
    root = Files.createDirectories(folder.resolve("un packed"));
    Path lib = Files.createDirectories(root.resolve("lib"));
    Files.createDirectories(root.resolve("scripts"));
    for (String script : new String[] {"ft", "scripts/find-jdk"}) {
      Files.copy(REPOSITORY.resolve(script), root.resolve(script));
    }
    OwnClassPath.referToIn(lib.resolve("ft-app-test.jar"));
    layOutRuntime();
  }

  /** A runtime without a compiler, as a container has: the JVM of this test under another name. */
  private void layOutRuntime() throws IOException {
    Path home = Path.of(System.getProperty("java.home"));
    runtime = folder.resolve("runtime");
    Files.createDirectories(runtime.resolve("bin"));
    Path java = runtime.resolve("bin/java");
    Files.writeString(java, "#!/bin/sh\nexec '%s/bin/java' \"$@\"\n".formatted(home), UTF_8);
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Files.copy(home.resolve("release"), runtime.resolve("release"));
  }

  private Outcome start(String... words) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(root.resolve("ft").toString());
    builder.command().addAll(List.of(words));
    builder.environment().put("FT_JAVA_HOME", runtime.toString());
    Process process = builder.directory(folder.toFile()).start();
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
    return new Outcome(process.waitFor(), out, err);
  }

  @Test
  void runsWithoutABuildAndWithoutACompiler() throws Exception {
    Outcome outcome = start("--version");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).startsWith("ft ");
    assertThat(outcome.exitCode()).isZero();
    assertThat(root.resolve(".ft")).doesNotExist();
  }

  @Test
  void aCheckoutIsNotBuiltWithoutACompiler() throws Exception {
    Files.createFile(root.resolve("pom.xml"));
    Outcome outcome = start("--version");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("FT_JAVA_HOME", "is not a JDK");
  }

  @Test
  void saysWhereTheBenchmarksAre() throws Exception {
    Outcome outcome = start("bench", "--quick");
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err()).hasLineCount(1).contains("libtorch", "checkout of the sources");
    assertThat(start("bench", "--help").out()).startsWith("Usage: ft bench");
  }
}
