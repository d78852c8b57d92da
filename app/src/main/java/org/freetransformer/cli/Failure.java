package org.freetransformer.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.freetransformer.run.FileProblems;
import org.freetransformer.run.Interruption;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/**
 * Answers a command that failed with one line. Bad input, which the library reports as {@link
 * IllegalArgumentException}, ends with 2, what Ctrl-C cancelled with 130, all else with 1.
 */
final class Failure implements IExecutionExceptionHandler {
  private static final String VERBOSE = "--verbose";

  @Override
  public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed) {
    Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
    PrintWriter err = command.getErr();
    boolean trace = isVerbose(command);
    err.println(command.getCommandSpec().qualifiedName() + ": " + describe(cause));
    if (trace) {
      StringWriter text = new StringWriter();
      cause.printStackTrace(new PrintWriter(text, true));
      err.print(text);
    }
    err.flush();
    return switch (cause) {
      case IllegalArgumentException _ -> command.getCommandSpec().exitCodeOnInvalidInput();
      case CancellationException _ -> Interruption.EXIT_CODE;
      default -> command.getCommandSpec().exitCodeOnExecutionException();
    };
  }

  private static boolean isVerbose(CommandLine command) {
    return Optional.ofNullable(command.getParseResult())
        .map(parsed -> parsed.hasMatchedOption(VERBOSE))
        .orElse(false);
  }

  private static String describe(Throwable cause) {
    return switch (cause) {
      case UncheckedIOException unchecked when unchecked.getCause() != null ->
          FileProblems.describe(unchecked.getCause());
      case IOException failure -> FileProblems.describe(failure);
      case IllegalArgumentException wrong when wrong.getMessage() != null -> oneLine(wrong);
      case IllegalStateException wrong when wrong.getMessage() != null -> oneLine(wrong);
      case OutOfMemoryError error ->
          "out of memory: " + oneLine(error) + "; a smaller batch or model needs less";
      case InternalError error when isLostMapping(error) ->
          "a file in use cannot be read any more: it was cut short, or its disk is gone";
      default -> "this should not happen: %s; %s shows where".formatted(oneLine(cause), VERBOSE);
    };
  }

  /** What the JVM makes of a fault in memory that stands for a file. */
  private static boolean isLostMapping(InternalError error) {
    return String.valueOf(error.getMessage()).contains("unsafe memory access");
  }

  private static String oneLine(Throwable cause) {
    String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
