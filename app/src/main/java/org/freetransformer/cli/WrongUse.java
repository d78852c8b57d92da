package org.freetransformer.cli;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.freetransformer.config.Nearest;
import picocli.CommandLine;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Answers a command line that cannot be understood with one line and exit code 2. */
final class WrongUse implements IParameterExceptionHandler {
  @Override
  public int handleParseException(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    // A misspelt option is the reason why the right one is missing: it is told first.
    List<String> unknown = command.getUnmatchedArguments();
    String message =
        unknown.isEmpty()
            ? e.getMessage()
            : explain(new UnmatchedArgumentException(command, unknown));
    command.getErr().println(name + ": " + message + " (see " + name + " --help)");
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  private static String explain(UnmatchedArgumentException e) {
    String word = e.getUnmatched().getFirst();
    Set<String> commands = e.getCommandLine().getSubcommands().keySet();
    boolean choosesCommand = !commands.isEmpty();
    String kind = e.isUnknownOption() ? "option" : choosesCommand ? "command" : "argument";
    // picocli's own suggestions come by letters in common: they miss train for trian.
    Optional<String> near =
        Nearest.to(word, choosesCommand && !e.isUnknownOption() ? commands : List.of())
            .or(() -> e.getSuggestions().stream().findFirst());
    String hint = near.map(other -> "; did you mean '" + other + "'?").orElse("");
    return "unknown " + kind + " '" + word + "'" + hint;
  }
}
