package org.freetransformer.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Entry point of {@code ft}. */
@Command(
    name = "ft",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Trains and samples the Free Transformer, in pure Java.")
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  private Main() {}

  /**
   * Runs the command line and ends the JVM with its exit code.
   *
   * @param args the words after {@code ft}
   */
  public static void main(String[] args) {
    StandardError.restore();
    System.exit(commandLine().execute(args));
  }

  /** The parser with every command in it. */
  static CommandLine commandLine() {
    return new CommandLine(new Main()).setParameterExceptionHandler(new WrongUse());
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }
}
