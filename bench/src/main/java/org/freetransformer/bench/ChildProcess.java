package org.freetransformer.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program that is run to its end, for what it prints. */
final class ChildProcess {
  private ChildProcess() {}

  /** The program that runs this JVM. */
  static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /**
   * What a command prints, to either stream.
   *
   * @param what it is, for messages
   * @param environment variables besides this process's
   * @param patience after which it is ended
   * @throws IllegalStateException with what it said, if it fails or does not end
   */
  static String said(
      String what, List<String> command, Map<String, String> environment, Duration patience)
      throws IOException {
    // By a file: whoever reads a pipe to its end waits for a process that hangs.
    Path output = Files.createTempFile("ft-bench", ".out");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    try {
      Process process = builder.start();
      try {
        boolean ended = process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS);
        String said = Files.readString(output, UTF_8);
        if (!ended) {
          throw new IllegalStateException(
              "%s did not end within %d s:%n%s".formatted(what, patience.toSeconds(), said));
        }
        if (process.exitValue() != 0) {
          throw new IllegalStateException("%s failed:%n%s".formatted(what, said));
        }
        return said;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while %s ran".formatted(what), e);
      } finally {
        process.destroy();
      }
    } finally {
      Files.deleteIfExists(output);
    }
  }
}
