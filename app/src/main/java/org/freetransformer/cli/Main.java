package org.freetransformer.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Entry point of {@code ft}. */
@Command(
    name = "ft",
    mixinStandardHelpOptions = true,
    version = "ft 0.1.0-SNAPSHOT",
    description = "Train and sample the Free Transformer in pure Java.")
public final class Main {
  private Main() {}

  /**
   * Runs the command line and ends the JVM with its exit code.
   *
   * @param args the words after {@code ft}
   */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }
}
