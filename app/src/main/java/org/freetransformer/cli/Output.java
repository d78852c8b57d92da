package org.freetransformer.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Where a command's words go: results to standard output, as text or as one JSON object, everything
 * else to standard error.
 */
final class Output {
  /** Loaded when first needed: a moment that most commands save. */
  private static final class Json {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}
  }

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
      out().println(toJson(object));
    } else {
      out().print(text.endsWith("\n") ? text : text + "\n");
    }
    out().flush();
  }

  /** Tells what is going on. */
  void note(String line) {
    if (!quiet) {
      err().println(line);
    }
  }

  /** Tells what only the curious want to know. */
  void detail(String line) {
    if (verbose) {
      err().println(line);
    }
  }

  /** Tells what the user should know although the command goes on. */
  void warn(String line) {
    note(command.qualifiedName() + ": " + line);
  }

  /** Tells why the command ends, whatever else is quiet. */
  void problem(String line) {
    err().println(command.qualifiedName() + ": " + line);
    err().flush();
  }

  /** A display for a task of {@code total} steps, of which {@code start} are done already. */
  Progress progress(String task, long start, long total, String unit) {
    if (quiet) {
      return Progress.silent();
    }
    return Terminal.showsBars()
        ? new ProgressBarDisplay(task, start, total, unit)
        : new ProgressLines(err(), task, start, total, unit, System::nanoTime);
  }

  /** One line of JSON; null in place of numbers that are infinite, or none. */
  static String toJson(Map<String, ? extends @Nullable Object> object) {
    StringWriter text = new StringWriter();
    try (JsonGenerator generator = new FiniteNumbers(Json.MAPPER.createGenerator(text))) {
      Json.MAPPER.writeValue(generator, object);
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
    return text.toString();
  }

  private PrintWriter out() {
    return command.commandLine().getOut();
  }

  private PrintWriter err() {
    return command.commandLine().getErr();
  }
}
