package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    return Main.commandLine()
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(args);
  }

  @Test
  void printsItsVersion() {
    assertThat(run("--version")).isZero();
    assertThat(out.toString()).startsWith("ft ").contains(Runtime.version().toString());
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void helpGoesToStandardOutput() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString()).contains("Usage: ft");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void aMissingCommandIsWrongUse() {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString()).hasLineCount(1).contains("command is missing");
  }

  @Test
  void anUnknownWordIsNamedInOneLine() {
    assertThat(run("trian")).isEqualTo(2);
    assertThat(err.toString()).hasLineCount(1).contains("'trian'");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void anUnknownOptionGetsTheNearestOne() {
    assertThat(run("--versoin")).isEqualTo(2);
    assertThat(err.toString()).hasLineCount(1).contains("'--versoin'", "'--version'");
  }

  /** A command in which the JVM fails, not the program. */
  @Command(name = "fails")
  private record Failing(Error error) implements Callable<Integer> {
    @Override
    public Integer call() {
      throw error;
    }
  }

  /** A command whose work Ctrl-C cancelled where it has no state to save. */
  @Command(name = "cancelled")
  private record Cancelled() implements Callable<Integer> {
    @Override
    public Integer call() {
      throw new CancellationException("stopped; the same command goes on");
    }
  }

  @Test
  void whatIsCancelledEndsWith130() {
    CommandLine line = Main.commandLine();
    line.addSubcommand(new Cancelled());
    int code = line.setErr(new PrintWriter(err, true)).execute("cancelled");
    assertThat(code).isEqualTo(130);
    assertThat(err.toString())
        .hasLineCount(1)
        .startsWith("ft cancelled: stopped; the same command goes on");
  }

  @ParameterizedTest
  @CsvSource({
    "a driver is broken, this should not happen: a driver is broken",
    "a fault occurred in an unsafe memory access operation, a file in use cannot be read any more"
  })
  void anErrorOfTheJvmIsOneLineAndCode1(String problem, String told) {
    CommandLine line = Main.commandLine();
    line.addSubcommand(new Failing(new InternalError(problem)));
    int code =
        line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)).execute("fails");
    assertThat(code).isEqualTo(1);
    assertThat(err.toString()).hasLineCount(1).startsWith("ft fails: ").contains(told);
    assertThat(out.toString()).isEmpty();
  }
}
