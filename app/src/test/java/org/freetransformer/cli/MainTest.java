package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

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
}
