package org.freetransformer.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sends real signals to a JVM that works until it is asked to stop, then "saves". */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "signals are sent with kill")
@Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class InterruptionTest {

  /** The program that is interrupted. */
  static final class Worker {
    private Worker() {}

    public static void main(String[] args) throws InterruptedException {
      Interruption interruption = new Interruption();
      interruption.install();
      boolean listens = args[0].equals("listen");
      BooleanSupplier stop =
          listens ? interruption.listen(() -> System.out.println("stopping")) : () -> false;
      System.out.println("working");
      while (!stop.getAsBoolean()) {
        Thread.sleep(5);
      }
      Thread.sleep(Integer.parseInt(args[2]));
      System.out.println("saved");
      System.exit(interruption.finish(Integer.parseInt(args[1])));
    }
  }

  private static Process start(String... args) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(OwnJvm.interruptible());
    builder
        .command()
        .addAll(
            List.of(
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Worker.class.getName()));
    builder.command().addAll(List.of(args));
    return builder.start();
  }

  private static String signalAndRead(Process process, String signal) throws Exception {
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      assertThat(out.readLine()).isEqualTo("working");
      OwnJvm.signal(process, signal);
      return out.lines().collect(Collectors.joining(","));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void aListeningCommandEndsInOrderWith130(String signal) throws Exception {
    Process process = start("listen", "0", "200");
    assertThat(signalAndRead(process, signal)).isEqualTo("stopping,saved");
    assertThat(process.waitFor()).isEqualTo(130);
  }

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143"})
  void aSecondSignalEndsItAtOnceWhateverItDoes(String signal, int code) throws Exception {
    Process process = start("listen", "0", "100000");
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("working");
      OwnJvm.signal(process, "INT");
      assertThat(out.readLine()).isEqualTo("stopping");
      // The handlers change hands a moment after the word.
      while (process.isAlive()) {
        OwnJvm.signal(process, signal);
        Thread.sleep(20);
      }
      assertThat(out.readLine()).isNull();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor()).isEqualTo(code);
  }

  @Test
  void aCommandThatFailsToSaveKeepsItsOwnCode() throws Exception {
    Process process = start("listen", "1", "200");
    assertThat(signalAndRead(process, "INT")).isEqualTo("stopping,saved");
    assertThat(process.waitFor()).isEqualTo(1);
  }

  @Test
  void aCommandThatDoesNotListenEndsAtOnce() throws Exception {
    Process process = start("ignore", "0", "200");
    assertThat(signalAndRead(process, "INT")).isEmpty();
    assertThat(process.waitFor()).isEqualTo(130);
  }
}
