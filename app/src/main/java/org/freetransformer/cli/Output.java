package org.freetransformer.cli;

import java.io.PrintWriter;
import java.util.Map;
import org.freetransformer.run.Json;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Where a command's words go: results to standard output, as text or as one JSON object, everything
 * else to standard error.
 */
final class Output {
  /** To the line's first column, and all of it erased: bars are for terminals that can. */
  private static final String ERASE_LINE = "\r\u001b[K";

  /** Whether a bar's line is the last on the terminal; a signal's thread asks as well. */
  private volatile boolean barShown;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = {"-q", "--quiet"},
      description = "Only results and errors.")
  private boolean quiet;

  @Option(
      names = {"-v", "--verbose"},
      description = "More about what is done; errors with their stack trace.")
  private boolean verbose;

  @Option(names = "--json", description = "Results as one JSON object, and nothing else on stdout.")
  private boolean json;

  /** Prints the result: the object as JSON if that is asked for, else the text. */
  void result(Map<String, ? extends @Nullable Object> object, String text) {
    if (json) {
      out().println(Json.write(object));
    } else {
      out().print(text.endsWith("\n") ? text : text + "\n");
    }
    out().flush();
  }

  /** Whether the result is to be one JSON object. */
  boolean isJson() {
    return json;
  }

  /** Prints a piece of a result's text while the rest is still made. */
  void part(String text) {
    out().print(text);
    out().flush();
  }

  /** Tells what is going on. */
  void note(String line) {
    if (!quiet) {
      tell(line);
    }
  }

  /** A line of its own, also where a bar stands: the bar is drawn again below. */
  private void tell(String line) {
    err().println(barShown ? ERASE_LINE + line : line);
  }

  /** Tells what only the curious want to know. */
  void detail(String line) {
    if (verbose) {
      tell(line);
    }
  }

  /** Tells what the user should know although the command goes on. */
  void warn(String line) {
    note(command.qualifiedName() + ": " + line);
  }

  /** Tells why the command ends, whatever else is quiet. */
  void problem(String line) {
    tell(command.qualifiedName() + ": " + line);
    err().flush();
  }

  /** A display for a task of {@code total} steps, of which {@code start} are done already. */
  Progress progress(String task, long start, long total, String unit) {
    if (quiet) {
      return Progress.silent();
    }
    return Terminal.showsBars()
        ? below(new ProgressBarDisplay(task, start, total, unit))
        : new ProgressLines(err(), task, start, total, unit, System::nanoTime);
  }

  /** The bar, kept below what is told while it moves. */
  Progress below(Progress bar) {
    barShown = true;
    return new Progress() {
      @Override
      public void at(long done, String message) {
        bar.at(done, message);
      }

      @Override
      public void close() {
        bar.close();
        barShown = false;
      }
    };
  }

  private PrintWriter out() {
    return command.commandLine().getOut();
  }

  private PrintWriter err() {
    return command.commandLine().getErr();
  }
}
