package org.freetransformer.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Starts the real launcher in a copy of the project's layout whose "build" is this test's class
 * path and whose Maven is a script.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a bash script")
@Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LauncherTest {
  private static final Path REPOSITORY = Path.of("..").toAbsolutePath().normalize();

  /** What a start printed, and how it ended. */
  private record Outcome(int exitCode, String out, String err) {}

  @TempDir private Path folder;
  private Path root;
  private Path mavenCalls;

  @BeforeEach
  void layOut() throws IOException {
    root = Files.createDirectories(folder.resolve("a project"));
    copyScript("ft");
    copyScript("scripts/find-jdk");
    Files.createFile(root.resolve("pom.xml"));
    for (String module : List.of("tensor", "nn", "freetransformer", "gpu-kernels", "app")) {
      Files.createDirectories(root.resolve(module + "/src/main"));
      Files.createFile(root.resolve(module + "/pom.xml"));
    }
    Files.createDirectories(root.resolve("configs"));
    Path lib = Files.createDirectories(root.resolve("app/target/lib"));
    OwnClassPath.referToIn(root.resolve("app/target/ft-app-test.jar"));
    OwnClassPath.referToIn(lib.resolve("ft-nn-test.jar"));
    OwnClassPath.referToIn(lib.resolve("freetransformer-test.jar"));
    Path copy = Files.createDirectories(root.resolve(".ft/app/test"));
    OwnClassPath.referToIn(copy.resolve("ft-app-test.jar"));
    Files.writeString(root.resolve("app/target/built"), "test\n", UTF_8);
    mavenCalls = folder.resolve("maven-calls");
    maven("exit 1");
  }

  private void copyScript(String name) throws IOException {
    Path copy = root.resolve(name);
    Files.createDirectories(copy.getParent());
    Files.copy(REPOSITORY.resolve(name), copy);
  }

  /** Puts a script called mvn on the path that notes each call and then does {@code action}. */
  private void maven(String action) throws IOException {
    Path script = Files.createDirectories(folder.resolve("bin")).resolve("mvn");
    Files.writeString(
        script, "#!/bin/sh\necho called >> '" + mavenCalls + "'\n" + action + "\n", UTF_8);
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void touch(String source) throws IOException {
    Path file = root.resolve(source);
    Files.writeString(file, "changed", UTF_8);
    Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
  }

  private Outcome start(Path launcher, List<String> extraEnvironment, String... args)
      throws IOException, InterruptedException {
    var builder = new ProcessBuilder(launcher.toString());
    builder.command().addAll(List.of(args));
    var environment = builder.environment();
    environment.put("FT_JAVA_HOME", System.getProperty("java.home"));
    environment.put("PATH", folder.resolve("bin") + File.pathSeparator + System.getenv("PATH"));
    for (String setting : extraEnvironment) {
      environment.put(
          setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
    }
    Process process = builder.directory(folder.toFile()).start();
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
    return new Outcome(process.waitFor(), out, err);
  }

  private Outcome start(String... args) throws IOException, InterruptedException {
    return start(root.resolve("ft"), List.of(), args);
  }

  @Test
  void runsThroughASymbolicLinkAndShowsNoWarningOfTheJvm() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("a project/ft"));
    Outcome outcome = start(link, List.of(), "--version");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).startsWith("ft ");
    assertThat(outcome.exitCode()).isZero();
    assertThat(mavenCalls).doesNotExist();
  }

  @Test
  void passesOnTheProgramsOwnErrorsAndExitCode() throws Exception {
    Outcome outcome = start("nonsense");
    assertThat(outcome.err()).hasLineCount(1).contains("'nonsense'");
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.exitCode()).isEqualTo(2);
  }

  @Test
  void passesOnWhatTheJvmSaysWhenItCannotStart() throws Exception {
    Outcome outcome =
        start(root.resolve("ft"), List.of("FT_JAVA_OPTS=-XX:NoSuchOption"), "--version");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out() + outcome.err()).contains("NoSuchOption");
  }

  /** The bytes come from bash: this JVM's own encoding decides what it passes on. */
  @Test
  void readsArgumentsAsUtf8WhereThereIsNoLocale() throws Exception {
    Path script = folder.resolve("nonsense.sh");
    Files.writeString(script, "exec '%s' $'n\\303\\244'\n".formatted(root.resolve("ft")), UTF_8);
    for (String locale : List.of("C", "POSIX", "C.UTF-8")) {
      Outcome outcome = start(Path.of("bash"), List.of("LC_ALL=" + locale), script.toString());
      assertThat(outcome.err()).as(locale).hasLineCount(1).contains("'nä'");
    }
  }

  @Test
  void findsAJdkWithoutAHome() throws Exception {
    Path home = Path.of(System.getProperty("java.home")).toRealPath();
    var builder = new ProcessBuilder(root.resolve("scripts/find-jdk").toString());
    builder.environment().keySet().removeAll(List.of("HOME", "JAVA_HOME", "FT_JAVA_HOME"));
    builder.environment().merge("PATH", home + "/bin", (path, bin) -> bin + ":" + path);
    Process process = builder.redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(out).isZero();
    assertThat(out.strip()).isEqualTo(home.toString());
  }

  /** Puts real jars in place of references: only classes that lie in jars go into an archive. */
  private void layOutJars() throws IOException {
    Path target = root.resolve("app/target");
    Path lib = target.resolve("lib");
    for (String reference : List.of("ft-app-test.jar", "lib/ft-nn-test.jar")) {
      Files.delete(target.resolve(reference));
    }
    new JarOutputStream(Files.newOutputStream(lib.resolve("freetransformer-test.jar"))).close();
    for (Path path : OwnClassPath.entries().toList()) {
      if (Files.isRegularFile(path)) {
        Files.copy(path, lib.resolve(path.getFileName()));
      } else if (Files.exists(path.resolve("org/freetransformer/cli/Main.class"))) {
        jar(path, target.resolve("ft-app-test.jar"));
      } else if (Files.isDirectory(path)
          && !Files.exists(path.resolve("org/freetransformer/cli/LauncherTest.class"))) {
        jar(path, Files.createTempFile(lib, "ft-", ".jar"));
      }
    }
    Path config = Path.of("configs/plan-letters-quick.yaml");
    Files.copy(REPOSITORY.resolve(config), root.resolve(config));
  }

  private static void jar(Path folder, Path jar) throws IOException {
    try (var out = new JarOutputStream(Files.newOutputStream(jar));
        Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = folder.relativize(file).toString().replace(File.separatorChar, '/');
        out.putNextEntry(new JarEntry(name));
        Files.copy(file, out);
      }
    }
  }

  /** All works without the archive too, only later: nothing else would tell. */
  @Test
  void takesMostOfItsClassesFromTheArchiveThatItMadeAfterTheBuild() throws Exception {
    layOutJars();
    touch("nn/src/main/Changed.java");
    maven("exit 0");
    assertThat(start("--version").err()).contains("building");
    List<String> logging = List.of("FT_JAVA_OPTS=-Xlog:class+load");
    Outcome outcome = start(root.resolve("ft"), logging, "generate", "--help");
    List<String> own =
        outcome.out().lines().filter(line -> line.contains(" org.freetransformer.")).toList();
    List<String> read =
        own.stream().filter(line -> !line.contains("source: shared objects file")).toList();
    assertThat(own).hasSizeGreaterThan(20);
    assertThat(read)
        .as("of %d classes, those that were not in the archive", own.size())
        .hasSizeLessThan(own.size() / 4);
  }

  @Test
  void goesWithoutAnArchiveOfClassesThatDoesNotFit() throws Exception {
    Files.writeString(root.resolve(".ft/app/test/classes.jsa"), "half-written", UTF_8);
    Outcome outcome = start("--version");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).startsWith("ft ").hasLineCount(1);
    assertThat(outcome.exitCode()).isZero();
  }

  @Test
  void showsTheOutputOfAFailedBuildAndStops() throws Exception {
    touch("nn/src/main/Changed.java");
    maven("echo 'no such symbol'; exit 1");
    Outcome outcome = start("--version");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).contains("no such symbol", "the build failed");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tensor/src/main/Changed.java", "configs/changed.yaml"})
  void buildsAfterAChangeAndOnlyOnce(String changed) throws Exception {
    touch(changed);
    maven("exit 0");
    Outcome first = start("--version");
    assertThat(first.err()).contains("building");
    assertThat(first.out()).startsWith("ft ");
    assertThat(start("--version").err()).isEmpty();
    assertThat(mavenCalls).hasContent("called");
  }

  @Test
  void runsFromACopyThatALaterBuildLeavesAlone() throws Exception {
    touch("tensor/src/main/Changed.java");
    maven("exit 0");
    assertThat(start("--version").out()).startsWith("ft ");
    for (String jar : List.of("ft-app-test.jar", "lib/ft-nn-test.jar")) {
      Files.writeString(root.resolve("app/target").resolve(jar), "half-written", UTF_8);
    }
    assertThat(start("--version").out()).startsWith("ft ");
  }

  @Test
  void twoFirstStartsShareOneBuild() throws Exception {
    Files.delete(root.resolve("app/target/built"));
    maven("sleep 1");
    try (var starts = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Outcome> one = starts.submit(() -> start("--version"));
      Future<Outcome> other = starts.submit(() -> start("--version"));
      assertThat(one.get().out()).startsWith("ft ");
      assertThat(other.get().out()).startsWith("ft ");
    }
    assertThat(mavenCalls).hasContent("called");
  }

  @Test
  void aLockLeftByADeadBuildIsVoid() throws Exception {
    touch("app/src/main/Changed.java");
    maven("exit 0");
    Process dead = new ProcessBuilder("true").start();
    dead.waitFor();
    Path lock = Files.createDirectories(root.resolve(".ft/lock"));
    Files.writeString(lock.resolve("owner"), dead.pid() + "\n", UTF_8);
    assertThat(start("--version").out()).startsWith("ft ");
    assertThat(lock).doesNotExist();
  }

  @Test
  void refusesAJavaThatIsTooOldOrNone() throws Exception {
    Outcome outcome = start(root.resolve("ft"), List.of("FT_JAVA_HOME=" + folder), "--version");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("FT_JAVA_HOME", "25");
  }
}
