package org.freetransformer.run;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts a JVM that hears SIGINT, also where a shell that runs these tests in the background
 * ignores it.
 */
public final class Interruptible {
  private Interruptible() {}

  /** The words that start this JVM's {@code java}. */
  public static List<String> java() {
    List<String> words = new ArrayList<>();
    if (System.getProperty("os.name").equals("Linux")) {
      words.addAll(List.of("env", "--default-signal=INT"));
    }
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    return words;
  }
}
