package org.freetransformer.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Memory of a process as Linux counts it, in bytes: pages that are present, those of mapped files
 * among them.
 *
 * @param resident now ({@code VmRSS})
 * @param peak the most so far ({@code VmHWM})
 */
record ProcessStatus(long resident, long peak) {
  private static final Path FILE = Path.of("/proc/self/status");
  private static final int KIB = 1024;

  /** Whether this system tells. */
  static boolean isThere() {
    return Files.isReadable(FILE);
  }

  /** This process's. */
  static ProcessStatus read() throws IOException {
    return parse(Files.readAllLines(FILE));
  }

  /**
   * From the lines of {@code /proc/self/status}.
   *
   * @throws IllegalArgumentException if a line is missing or not in kB
   */
  static ProcessStatus parse(List<String> lines) {
    return new ProcessStatus(bytes(lines, "VmRSS:"), bytes(lines, "VmHWM:"));
  }

  private static long bytes(List<String> lines, String key) {
    String line =
        lines.stream()
            .filter(one -> one.startsWith(key))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("there is no line " + key));
    String[] words = line.substring(key.length()).strip().split(" +", -1);
    if (words.length != 2 || !words[1].equals("kB")) {
      throw new IllegalArgumentException("not a number of kB: " + line);
    }
    return KIB * Long.parseLong(words[0]);
  }
}
