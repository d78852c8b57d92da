package org.freetransformer.cli;

import java.util.List;
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
    boolean choosesCommand = !e.getCommandLine().getSubcommands().isEmpty();
    String kind = e.isUnknownOption() ? "option" : choosesCommand ? "command" : "argument";
    List<String> suggestions = e.getSuggestions();
    String hint = suggestions.isEmpty() ? "" : "; did you mean '" + suggestions.getFirst() + "'?";
    return "unknown " + kind + " '" + word + "'" + hint;
  }
}
