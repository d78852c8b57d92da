package org.freetransformer.run;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Words that start this JVM's {@code java} again. */
public final class OwnJvm {
  private OwnJvm() {}

  /** The program itself. */
  public static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /** It hears SIGINT, also where a shell that runs these tests in the background ignores that. */
  public static List<String> interruptible() {
    List<String> words = new ArrayList<>();
    if (System.getProperty("os.name").equals("Linux")) {
      words.addAll(List.of("env", "--default-signal=INT"));
    }
    words.add(java());
    return words;
  }

  /**
   * No file that it writes may grow beyond a size: as on a full disk, and no rights are needed.
   *
   * @param blocks the size in blocks of 512 bytes
   */
  public static List<String> withFilesUpTo(int blocks) {
    // The JVM's own file of performance data would be too large as well.
    return List.of(
        "sh", "-c", "ulimit -f " + blocks + "; exec \"$@\"", "sh", java(), "-XX:-UsePerfData");
  }

  /** Sends SIGINT, as Ctrl-C does. */
  public static void interrupt(Process process) throws Exception {
    signal(process, "INT");
  }

  /** Sends a signal by its name. */
  public static void signal(Process process, String name) throws Exception {
    int code =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    if (code != 0 && process.isAlive()) {
      throw new AssertionError("kill -%s ended with %d".formatted(name, code));
    }
  }
}
