package org.freetransformer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.run.TensorBoardReader.Event;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardFileTest {
  @TempDir private Path folder;

  private List<Path> files() throws IOException {
    try (var files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  /** The check value of CRC-32C in RFC 3720's appendix family: nine digits give 0xE3069283. */
  @Test
  void theReadersOwnChecksumIsTheStandardOne() {
    int crc = 0xE3069283;
    int masked = ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
    ByteBuffer digits = ByteBuffer.wrap("123456789".getBytes(StandardCharsets.US_ASCII));
    assertThat(TensorBoardReader.masked(digits)).isEqualTo(masked);
  }

  @Test
  void numbersBecomeScalarsAndTheRestIsLeftOut() throws IOException {
    Map<String, @Nullable Object> line = new LinkedHashMap<>();
    line.put("step", 7L);
    line.put("loss", 2.5);
    line.put("kl_per_bit", List.of(0.25, 0.5));
    line.put("bits", List.of(Map.of("entropy", 0.75)));
    line.put("tokens", 1000L);
    line.put("name", "text");
    line.put("nll_iw", null);
    long before = System.currentTimeMillis() / 1000;
    try (TensorBoardFile file = TensorBoardFile.from(folder, 0)) {
      file.add(7, "train", line);
      file.add(300, "κ", Map.of("x", -1));
    }
    List<Event> events = TensorBoardReader.read(files().getFirst());
    assertThat(events).hasSize(3);
    assertThat(events.getFirst().fileVersion()).isEqualTo("brain.Event:2");
    assertThat(events.get(1).step()).isEqualTo(7);
    assertThat(events.get(1).wallTime()).isBetween(before - 1.0, before + 3600.0);
    assertThat(events.get(1).scalars())
        .containsOnlyKeys(
            "train/loss",
            "train/kl_per_bit/00",
            "train/kl_per_bit/01",
            "train/bits/00/entropy",
            "train/tokens")
        .containsEntry("train/kl_per_bit/01", 0.5f)
        .containsEntry("train/tokens", 1000f);
    assertThat(events.get(2).scalars()).containsEntry("κ/x", -1f);
    assertThat(events).noneMatch(Event::starts);
  }

  /** A resumed run's file comes after the first by name, and tells from which step it is right. */
  @Test
  void aResumedRunBeginsASessionInAFileOfItsOwn() throws IOException {
    for (long step : new long[] {0, 4, 8}) {
      try (TensorBoardFile file = TensorBoardFile.from(folder, step)) {
        file.add(step + 1, "train", Map.of("loss", 1.0));
        file.flush();
      }
    }
    assertThat(files())
        .hasSize(3)
        .allMatch(file -> String.valueOf(file.getFileName()).startsWith("events.out.tfevents."));
    List<Event> last = TensorBoardReader.read(files().getLast());
    assertThat(last).extracting(Event::step).containsExactly(0L, 9L, 9L);
    assertThat(last).extracting(Event::starts).containsExactly(false, true, false);
    assertThat(Arrays.asList(files().toArray())).isSorted();
  }

  /** Begins a file where none may hold a byte, and tells what came of it and is open still. */
  static final class Beginner {
    private Beginner() {}

    public static void main(String[] args) throws IOException {
      Path folder = Path.of(args[0]);
      try {
        TensorBoardFile.from(folder, 0).close();
      } catch (IOException tooLarge) {
        System.out.println(tooLarge.getMessage());
      }
      System.out.println(OpenFiles.all().stream().filter(file -> file.startsWith(folder)).count());
    }
  }

  @Test
  @EnabledOnOs(value = OS.LINUX, disabledReason = "uses ulimit and /proc")
  void aFileThatCannotBeginIsNotLeftOpen() throws Exception {
    List<String> words = new ArrayList<>(OwnJvm.withFilesUpTo(0));
    words.addAll(List.of("-cp", System.getProperty("java.class.path"), Beginner.class.getName()));
    words.add(folder.toRealPath().toString());
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output.lines()).hasSize(2).last().isEqualTo("0");
    assertThat(output).contains("cannot write", "events.out.tfevents.").contains("too large");
  }

  @Test
  void whatCannotBeFlushedIsNamed() throws IOException {
    TensorBoardFile file = TensorBoardFile.from(folder, 0);
    file.close();
    assertThatThrownBy(file::flush)
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("cannot write " + files().getFirst() + ": ");
  }
}
