package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.run.OwnJvm;

/** Runs commands in this process and keeps what they print. */
final class CommandLineTester {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /** What a command printed, and how it ended. */
  record Outcome(int code, String out, String err) {
    /** Checks that it succeeded, and printed one JSON object and nothing else. */
    JsonNode json() {
      assertThat(code).as(err).isZero();
      try {
        return JSON.readTree(out);
      } catch (JsonProcessingException malformed) {
        throw new AssertionError("not one JSON object: " + out, malformed);
      }
    }

    /** Checks that it was refused in one line that holds all of this. */
    Outcome refused(String... parts) {
      assertThat(code).as(err).isEqualTo(2);
      assertThat(out).isEmpty();
      assertThat(err).hasLineCount(1).startsWith("ft").contains(parts);
      return this;
    }
  }

  private CommandLineTester() {}

  /** Runs a command with more words behind those that several calls share. */
  static Outcome ft(Object[] words, Object... more) {
    return ft(joined(words, more));
  }

  /** Words, and more words behind them. */
  static Object[] joined(Object[] words, Object... more) {
    return Stream.of(words, more).flatMap(Stream::of).toArray();
  }

  static Outcome ft(Object... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] args = new String[words.length];
    for (int i = 0; i < args.length; i++) {
      args[i] = words[i].toString();
    }
    int code =
        Main.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(args);
    return new Outcome(code, out.toString(), err.toString());
  }

  /** The words that run commands in a JVM of their own, which hears Ctrl-C. */
  static List<String> ownProcess() {
    return ownProcess(OwnJvm.interruptible());
  }

  /**
   * The same with another start.
   *
   * @param java how the JVM is started
   */
  static List<String> ownProcess(List<String> java) {
    List<String> words = new ArrayList<>(java);
    words.addAll(
        List.of(
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName()));
    return words;
  }
}
