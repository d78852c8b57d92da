package org.freetransformer.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ft checkpoint}: saved models in other forms. */
@Command(
    name = "checkpoint",
    mixinStandardHelpOptions = true,
    description = "Brings a saved model into another form.",
    subcommands = {ConsolidateCommand.class, ConvertCommand.class, UpcycleCommand.class})
final class CheckpointCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a command is missing: consolidate, convert or upcycle");
  }
}
