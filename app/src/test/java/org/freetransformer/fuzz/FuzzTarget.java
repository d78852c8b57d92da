package org.freetransformer.fuzz;

import com.code_intelligence.jazzer.api.BugDetectors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What Jazzer calls, by the names of these methods: it gives a reader one file after the other.
 * Jazzer's own checks report a file that runs a command, loads a class that it names, is
 * deserialized or opens a connection; a path outside the reader's folder is reported too.
 */
public final class FuzzTarget {
  private static @Nullable Examination examination;

  private FuzzTarget() {}

  /**
   * Begins.
   *
   * @param arguments a format's name, and an empty folder for its files
   */
  public static void fuzzerInitialize(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[1]).toAbsolutePath();
    Format format = FuzzedFormat.named(arguments[0]).in(folder);
    warmUp(format);
    watchPaths(folder);
    examination = new Examination(format);
  }

  /** Code is loaded, and native code unpacked, before memory and paths are watched. */
  private static void warmUp(Format format) throws IOException {
    for (byte[] seed : format.seeds()) {
      try {
        format.read(seed);
      } catch (RuntimeException problem) {
        if (!format.isRefusal(problem)) {
          throw problem;
        }
      }
    }
  }

  @SuppressWarnings("MustBeClosedChecker") // The rule holds as long as the JVM.
  private static void watchPaths(Path folder) {
    BugDetectors.setFilePathTraversalAllowPath(
        path -> path.toAbsolutePath().normalize().startsWith(folder));
  }

  /** Reads one file. */
  public static void fuzzerTestOneInput(byte[] file) throws IOException {
    Objects.requireNonNull(examination).examine(file);
  }

  /** Tells what was done. */
  public static void fuzzerTearDown() {
    System.err.println(Campaign.SUMMARY + Objects.requireNonNull(examination).summary());
  }
}
