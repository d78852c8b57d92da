package org.freetransformer.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code ft data}: makes and prepares what models are trained on. */
@Command(
    name = "data",
    mixinStandardHelpOptions = true,
    description = "Makes or prepares data.",
    subcommands = {DataGenerateCommand.class, DataPrepareCommand.class, DataTokenizerCommand.class})
final class DataCommand implements Runnable {
  @ParentCommand private Main main;
  @Spec private CommandSpec spec;

  Main main() {
    return main;
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a command is missing: generate, prepare or tokenizer");
  }
}
