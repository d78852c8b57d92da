package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class OutputTest {
  /** A command that only talks. */
  @Command(name = "talk")
  private static final class Talk {
    @Mixin private Output output;
  }

  @Test
  void aNoteDoesNotHangOnTheBar() {
    StringWriter err = new StringWriter();
    Talk talk = new Talk();
    new CommandLine(talk).setErr(new PrintWriter(err, true));
    talk.output.note("before");
    try (Progress _ = talk.output.below(Progress.silent())) {
      talk.output.warn("meanwhile");
    }
    talk.output.note("after");
    assertThat(err.toString().lines())
        .containsExactly("before", "", "\u001b[Ktalk: meanwhile", "after");
  }
}
