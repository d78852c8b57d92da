package org.freetransformer.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ChildProcessTest {
  private static final Duration LONG = Duration.ofMinutes(1);

  private static String said(String script, Duration patience) throws IOException {
    List<String> command = List.of("sh", "-c", script);
    return ChildProcess.said("the script", command, Map.of("WORD", "one"), patience);
  }

  @Test
  void tellsWhatWasPrintedToEitherStream() throws IOException {
    assertThat(said("echo $WORD; echo two >&2", LONG)).isEqualTo("one\ntwo\n");
  }

  @Test
  void aFailureSaysWhatWasSaid() {
    assertThatThrownBy(() -> said("echo why; exit 3", LONG))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the script failed:%nwhy\n".formatted());
  }

  @Test
  void whatHangsIsEnded() {
    assertThatThrownBy(() -> said("exec sleep 600", Duration.ofMillis(300)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("the script did not end within 0 s");
  }
}
