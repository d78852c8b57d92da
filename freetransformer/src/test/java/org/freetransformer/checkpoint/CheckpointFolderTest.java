package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CheckpointFolderTest {

  @TempDir private Path temporary;

  private Path path() {
    return temporary.resolve("run").resolve("checkpoints");
  }

  private CheckpointFolder folder() {
    return new CheckpointFolder(path());
  }

  private List<String> names() throws IOException {
    try (Stream<Path> found = Files.list(path())) {
      return found.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /** The newest checkpoint, after a look at every number in it. */
  private long newestStep() {
    Checkpoint newest = folder().newest(_ -> {}).orElseThrow();
    long step = newest.state().step();
    for (SafeTensors file : List.of(newest.openModel(), newest.openOptimizer())) {
      try (file) {
        assertThat(file.metadata()).containsEntry("step", Long.toString(step));
        assertThat(file.floats("values")).containsOnly((float) step);
      }
    }
    assertThat(newest.state()).isEqualTo(new CheckpointState(step, 64 * step, 8 * step, 42));
    return step;
  }

  @Test
  void readsWhatItSavedAndKeepsTheLast() throws IOException {
    assertThat(folder().newest(_ -> {})).isEmpty();
    for (int step : new int[] {5, 9, 10, 100}) {
      SavingProcess.save(folder(), step, 2);
      assertThat(newestStep()).isEqualTo(step);
    }
    assertThat(names()).containsExactly("step-10", "step-100");
    try (Stream<Path> files = Files.list(path().resolve("step-100"))) {
      assertThat(files)
          .extracting(file -> file.getFileName().toString())
          .containsExactlyInAnyOrder("model.safetensors", "optimizer.safetensors", "state.json");
    }
  }

  @Test
  void replacesACheckpointOfTheSameStep() throws IOException {
    SavingProcess.save(folder(), 5, 2);
    SavingProcess.save(folder(), 5, 2);
    assertThat(newestStep()).isEqualTo(5);
    assertThat(names()).containsExactly("step-5");
  }

  @Test
  void leavesThePreviousOneWhenContentFailsAtAnyByte() throws IOException {
    SavingProcess.save(folder(), 1, 3);
    for (boolean inModel : new boolean[] {true, false}) {
      for (int good : new int[] {0, 1, 9, 10}) {
        TensorSource failing =
            new TensorSource(
                "values",
                TensorType.U8,
                List.of(10L),
                channel -> {
                  channel.write(ByteBuffer.allocate(good));
                  throw new IOException("No space left on device");
                });
        TensorFile bad = new TensorFile(Map.of(), List.of(failing));
        TensorFile fine = new TensorFile(Map.of(), List.of());
        assertThatThrownBy(() ->
                folder()
                    .save(
                        new CheckpointState(2, 0, 0, 0),
                        inModel ? bad : fine,
                        inModel ? fine : bad,
                        1))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("cannot write " + path().resolve("step-2"))
            .hasMessageEndingWith("No space left on device")
            .message()
            .doesNotContain("\n");
        assertThat(newestStep()).isEqualTo(1);
        assertThat(names()).containsExactly("step-1");
      }
    }
  }

  @Test
  void seesNothingOfWhatACrashLeftBehind() throws IOException {
    SavingProcess.save(folder(), 1, 3);
    Path partial = Files.createDirectory(path().resolve(".step-2.tmp"));
    Files.writeString(partial.resolve("model.safetensors"), "half");
    Files.createDirectory(path().resolve(".step-0.removed"));
    assertThat(newestStep()).isEqualTo(1);
    SavingProcess.save(folder(), 2, 3);
    assertThat(names()).containsExactly("step-1", "step-2");
  }

  @Test
  void findsTheCheckpointThatWasBeingReplaced() throws IOException {
    SavingProcess.save(folder(), 1, 3);
    SavingProcess.save(folder(), 2, 3);
    Files.move(path().resolve("step-2"), path().resolve(".step-2.replaced"));
    assertThat(newestStep()).isEqualTo(2);
    SavingProcess.save(folder(), 3, 3);
    assertThat(names()).containsExactly("step-1", "step-2", "step-3");
  }

  @Test
  void passesOverDamagedOnesAndSaysSo() throws IOException {
    SavingProcess.save(folder(), 1, 3);
    SavingProcess.save(folder(), 2, 3);
    Path model = path().resolve("step-2").resolve("model.safetensors");
    Files.write(model, new byte[100]);
    List<String> notes = new ArrayList<>();
    assertThat(folder().newest(notes::add).orElseThrow().state().step()).isEqualTo(1);
    assertThat(notes)
        .singleElement()
        .asString()
        .startsWith(model + ": is not a safetensors file")
        .endsWith("; using " + path().resolve("step-1") + " instead");
    Files.delete(path().resolve("step-1").resolve("state.json"));
    assertThatThrownBy(() -> folder().newest(_ -> {}))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(model + ": is not a safetensors file");
  }

  @Test
  void refusesStatesItCannotRead() throws IOException {
    SavingProcess.save(folder(), 1, 3);
    Path state = path().resolve("step-1").resolve("state.json");
    String valid = Files.readString(state);
    for (String[] change :
        new String[][] {
          {"\"format_version\":1", "\"format_version\":2", "format_version: 2 is out of range"},
          {"\"step\":1", "\"step\":-1", "step: -1 is negative"},
          {"\"step\":1", "\"stop\":1", "step: is missing"},
          {"\"step\":1", "\"step\":NaN", "not valid JSON"},
          {"\"seed\":42", "\"seed\":42,\"extra\":1", "extra: unknown key"},
        }) {
      assertThat(valid).contains(change[0]);
      Files.writeString(state, valid.replace(change[0], change[1]));
      assertThatThrownBy(() -> Checkpoint.open(path().resolve("step-1")))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(change[2]);
    }
  }

  @Test
  void saysThatAFolderCannotBeMade() throws IOException {
    Path file = Files.createFile(temporary.resolve("file"));
    CheckpointFolder inside = new CheckpointFolder(file.resolve("checkpoints"));
    assertThatThrownBy(() -> SavingProcess.save(inside, 1, 1))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("cannot write " + file.resolve("checkpoints").resolve("step-1"));
  }

  @Test
  void saysThatAFolderCannotBeWritten() throws IOException {
    Path locked = Files.createDirectory(temporary.resolve("locked"));
    Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("r-xr-xr-x"));
    assumeThat(Files.isWritable(locked)).as("root may write everywhere").isFalse();
    assertThatThrownBy(() -> SavingProcess.save(new CheckpointFolder(locked), 1, 1))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no permission to write");
  }

  @Test
  void survivesAFullDisk() throws Exception {
    SavingProcess.save(folder(), 1, 3);
    // A file may have 200 KiB here (blocks of 512 bytes in sh), a checkpoint's has 400 kB.
    Process process = SavingProcess.start("ulimit -f 400", path(), 2, 2);
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isNotZero();
    assertThat(output)
        .contains("cannot write " + path().resolve("step-2") + ": ")
        .contains("File too large");
    assertThat(newestStep()).isEqualTo(1);
    assertThat(names()).containsExactly("step-1");
  }

  @Test
  void survivesBeingKilledAtAnyMoment() throws Exception {
    SplittableRandom random = new SplittableRandom(3);
    int step = 1;
    for (int round = 0; round < 6; round++) {
      Process process = SavingProcess.start(":", path(), step, Integer.MAX_VALUE);
      try (BufferedReader output = process.inputReader()) {
        assertThat(output.readLine()).isEqualTo("saved " + step);
        Thread.sleep(random.nextLong(60));
        // By its handle: the process's own method would close the output, which is still to be
        // read.
        process.toHandle().destroyForcibly();
        process.waitFor();
        long last =
            output
                .lines()
                .filter(line -> line.matches("saved \\d+"))
                .mapToLong(line -> Long.parseLong(line.substring("saved ".length())))
                .max()
                .orElse(step);
        assertThat(newestStep()).isBetween(last, last + 1);
        step = (int) newestStep() + 1;
      }
    }
    SavingProcess.save(folder(), step, 2);
    assertThat(names()).containsExactlyInAnyOrder("step-" + (step - 1), "step-" + step);
  }
}
