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
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.freetransformer.checkpoint.Checkpoint.Use;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
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
      return found
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.equals("best"))
          .sorted()
          .toList();
    }
  }

  /** The newest checkpoint, after a look at every number in it. */
  private long newestStep() {
    Checkpoint newest = folder().newest(Use.RESUME, _ -> {}).orElseThrow();
    long step = newest.state().step();
    for (SafeTensors file : List.of(newest.openModel(), newest.openOptimizer())) {
      try (file) {
        assertThat(file.metadata()).containsEntry("step", Long.toString(step));
        assertThat(file.floats("values")).containsOnly((float) step);
      }
    }
    assertThat(newest.state()).isEqualTo(SavingProcess.state(step));
    return step;
  }

  @Test
  void readsWhatItSavedAndKeepsTheLast() throws IOException {
    assertThat(folder().newest(Use.RESUME, _ -> {})).isEmpty();
    for (int step : new int[] {5, 9, 10, 100}) {
      SavingProcess.save(folder(), step, 2);
      assertThat(newestStep()).isEqualTo(step);
    }
    assertThat(names()).containsExactly("step-10", "step-100");
    try (Stream<Path> files = Files.list(path().resolve("step-100"))) {
      assertThat(files)
          .extracting(file -> file.getFileName().toString())
          .containsExactlyInAnyOrder(
              "model.safetensors",
              "optimizer.safetensors",
              "parts.safetensors",
              "state.json",
              "SHA256SUMS");
    }
  }

  @Test
  void keepsTheBestWhateverItsAgeAndLinksToIt() throws IOException {
    save(1, 0.5, 1);
    save(2, 0.25, 1);
    save(3, 0.3, 1);
    save(4, Double.NaN, 1);
    save(5, 0.4, 1);
    assertThat(names()).containsExactly("step-2", "step-5");
    assertThat(Files.readSymbolicLink(path().resolve("best"))).hasToString("step-2");
    assertThat(folder().best(Use.RESUME, _ -> {}).orElseThrow().state().step()).isEqualTo(2);
    assertThat(folder().lowestBound()).hasValue(0.25);
    save(6, 0.25, 2);
    assertThat(names()).as("of two equal ones the newer is the better").contains("step-2");
    assertThat(folder().best(Use.WEIGHTS, _ -> {}).orElseThrow().state().step()).isEqualTo(6);
    Files.writeString(path().resolve("step-6").resolve("model.safetensors"), "damaged");
    List<String> notes = new ArrayList<>();
    assertThat(folder().best(Use.WEIGHTS, notes::add).orElseThrow().state().step()).isEqualTo(2);
    assertThat(notes).singleElement().asString().contains("step-6", "using", "step-2 instead");
    save(7, Double.NaN, 0);
    assertThat(names()).as("none is kept for its bound").containsExactly("step-7");
    assertThat(folder().best(Use.WEIGHTS, _ -> {})).isEmpty();
    assertThat(path().resolve("best")).as("a link to nothing").doesNotExist();
    assertThat(Files.isSymbolicLink(path().resolve("best"))).isFalse();
  }

  @Test
  void theLinkLeadsToTheBestOfThoseThatAreKept() throws IOException {
    save(1, 0.25, 0);
    assertThat(Files.readSymbolicLink(path().resolve("best"))).hasToString("step-1");
    save(2, 0.5, 0);
    assertThat(Files.readSymbolicLink(path().resolve("best"))).hasToString("step-2");
    save(3, Double.NaN, 0);
    assertThat(Files.isSymbolicLink(path().resolve("best"))).isFalse();
  }

  /** As a file on NFS is that a process has mapped: its folder cannot be deleted. */
  @Test
  void anOldOneThatCannotBeRemovedIsAWarning() throws IOException {
    RecordingFileSystem files = new RecordingFileSystem();
    List<String> warnings = new ArrayList<>();
    CheckpointFolder folder = new CheckpointFolder(files.wrap(path()), warnings::add);
    SavingProcess.save(folder, 1, 1);
    files.use(file -> file.toString().contains("step-1"));
    SavingProcess.save(folder, 2, 1);
    SavingProcess.save(folder, 3, 1);
    assertThat(warnings)
        .singleElement()
        .asString()
        .contains("an old checkpoint cannot be removed now: ", "step-1", "resource busy");
    assertThat(newestStep()).isEqualTo(3);
    assertThat(names()).containsExactly(".step-1.removed", "step-3");
    files.use(_ -> false);
    SavingProcess.save(folder, 4, 1);
    assertThat(names()).containsExactly("step-4");
  }

  private void save(int step, double bound, int best) throws IOException {
    TensorFile empty = new TensorFile(Map.of(), List.of());
    CheckpointState state = new CheckpointState(step, 0, 0, 0, OptionalDouble.of(bound));
    folder().save(state, new CheckpointFiles(empty, empty, List.of()), new Retention(1, best));
  }

  @Test
  void noticesASingleBitThatChanged() throws IOException {
    Path step = SavingProcess.save(folder(), 1, 3).folder();
    List<String> all = List.of("model.safetensors", "optimizer.safetensors", "state.json");
    for (String name : all) {
      Path file = step.resolve(name);
      byte[] good = Files.readAllBytes(file);
      byte[] bad = good.clone();
      // In the data of the large files, and in a number of the small one.
      bad[name.endsWith(".json") ? new String(bad, StandardCharsets.UTF_8).indexOf("64") : 5000] ^=
          1;
      Files.write(file, bad);
      assertThatThrownBy(() -> Checkpoint.open(step, Use.RESUME))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(file + ": is damaged: its SHA-256");
      if (name.startsWith("optimizer")) {
        assertThat(Checkpoint.open(step, Use.WEIGHTS).state().step()).isEqualTo(1);
      }
      Files.write(file, good);
    }
    Checkpoint.open(step, Use.RESUME);
    for (String name : List.of("optimizer.safetensors", "state.json", "SHA256SUMS")) {
      Path away = temporary.resolve("away");
      Files.move(step.resolve(name), away);
      assertThatThrownBy(() -> Checkpoint.open(step, Use.RESUME))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(step.resolve(name) + ": is missing");
      Files.move(away, step.resolve(name));
    }
  }

  @Test
  void damagedOnesAreSetAsideForTheResumedRun() throws IOException {
    for (int step = 1; step <= 3; step++) {
      SavingProcess.save(folder(), step, 3);
    }
    damage(2);
    damage(3);
    setAsideDamaged();
    assertThat(names()).containsExactly("step-1", "step-2.damaged", "step-3.damaged");
    SavingProcess.save(folder(), 2, 3);
    assertThat(newestStep()).isEqualTo(2);
    damage(2);
    setAsideDamaged();
    assertThat(names()).containsExactly("step-1", "step-2.damaged", "step-3.damaged");
  }

  @Test
  void aDamagedOneDoesNotStayTheBest() throws IOException {
    save(1, 0.25, 1);
    save(2, 0.5, 1);
    damage(1);
    setAsideDamaged();
    assertThat(names()).containsExactly("step-1.damaged", "step-2");
    assertThat(folder().lowestBound()).hasValue(0.5);
    save(3, 0.375, 1);
    assertThat(Files.readSymbolicLink(path().resolve("best"))).hasToString("step-3");
  }

  private void damage(int step) throws IOException {
    Files.writeString(path().resolve("step-" + step).resolve("model.safetensors"), "damaged");
  }

  private void setAsideDamaged() throws IOException {
    folder().setAsideDamaged(folder().newest(Use.RESUME, _ -> {}).orElseThrow());
  }

  @Test
  void doesNotPassOverWhatMayBeWhole() throws IOException {
    SavingProcess.save(folder(), 1, 3);
    SavingProcess.save(folder(), 2, 3);
    Path newest = path().resolve("step-2");
    Path state = newest.resolve("state.json");
    String valid = Files.readString(state);
    Files.writeString(state, valid.replace("\"format_version\":2", "\"format_version\":3"));
    assertThatThrownBy(() -> folder().newest(Use.RESUME, _ -> {}))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(state + ": format_version: 3 is newer");
    Files.writeString(state, valid);
    // A file that is there and cannot be read: root may read all, but no one reads a folder.
    Path sums = newest.resolve("SHA256SUMS");
    Files.delete(sums);
    Files.createDirectory(sums);
    assertThatThrownBy(() -> folder().newest(Use.RESUME, _ -> {}))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(sums + ": cannot be read: ");
  }

  @Test
  void partsOfARunComeBackToTheLastBit() throws IOException {
    try (Engine engine = Engine.on(Devices.scalar())) {
      TestPart part = new TestPart(engine, 1.0 / 3, (1L << 60) + 1, true, 2);
      TensorFile empty = new TensorFile(Map.of(), List.of());
      folder()
          .save(
              SavingProcess.state(1),
              new CheckpointFiles(empty, empty, List.of(part)),
              new Retention(1, 0));
      Checkpoint saved = folder().newest(Use.RESUME, _ -> {}).orElseThrow();
      TestPart fresh = new TestPart(engine, 0, 0, false, 0);
      saved.restore(List.of(fresh));
      assertThat(fresh.numbers()).isEqualTo(part.numbers());
      assertThat(fresh.shadow.toFloats()).containsOnly(2);
      assertThatThrownBy(() -> saved.restore(List.of()))
          .isInstanceOf(CheckpointException.class)
          .hasMessageEndingWith("holds the state of test, which this run does not have");
      Files.write(saved.folder().resolve("parts.safetensors"), new byte[] {1});
      assertThatThrownBy(() -> Checkpoint.open(saved.folder(), Use.RESUME))
          .hasMessageContaining("parts.safetensors: is damaged");
    }
  }

  /** A part with a state of every kind. */
  private static final class TestPart implements StatefulPart {
    private final Tensor shadow;
    private double scale;
    private long steps;
    private boolean on;

    TestPart(Engine engine, double scale, long steps, boolean on, float shadow) {
      this.shadow = engine.tensor(new float[] {shadow, shadow, shadow}, 3);
      this.scale = scale;
      this.steps = steps;
      this.on = on;
    }

    @Override
    public String name() {
      return "test";
    }

    @Override
    public Map<String, Object> numbers() {
      return Map.of("scale", scale, "steps", steps, "on", on);
    }

    @Override
    public List<TensorSource> tensors() {
      return List.of(TensorSource.of("shadow", shadow));
    }

    @Override
    public void restore(PartState saved) {
      scale = saved.number("scale");
      steps = saved.whole("steps");
      on = saved.flag("on");
      saved.tensor("shadow", shadow);
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
                        SavingProcess.state(2),
                        new CheckpointFiles(inModel ? bad : fine, inModel ? fine : bad, List.of()),
                        new Retention(1, 0)))
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
  void otherRanksFindTheCheckpointThatWasBeingReplaced() throws IOException {
    SavingProcess.save(folder(), 2, 3);
    Files.move(path().resolve("step-2"), path().resolve(".step-2.replaced"));
    Checkpoint first = folder().newest(Use.RESUME, _ -> {}).orElseThrow();
    assertThat(folder().inPlace(first).folder()).isEqualTo(path().resolve("step-2"));
    assertThat(folder().verifiedByAnother(2).state().step()).isEqualTo(2);
    assertThat(newestStep()).isEqualTo(2);
    assertThat(names()).containsExactly("step-2");
  }

  @Test
  void passesOverDamagedOnesAndSaysSo() throws IOException {
    SavingProcess.save(folder(), 1, 3);
    SavingProcess.save(folder(), 2, 3);
    Path model = path().resolve("step-2").resolve("model.safetensors");
    Files.write(model, new byte[100]);
    List<String> notes = new ArrayList<>();
    assertThat(folder().newest(Use.RESUME, notes::add).orElseThrow().state().step()).isEqualTo(1);
    assertThat(notes)
        .singleElement()
        .asString()
        .startsWith(model + ": is damaged")
        .endsWith("; using " + path().resolve("step-1") + " instead");
    Files.delete(path().resolve("step-1").resolve("state.json"));
    assertThatThrownBy(() -> folder().newest(Use.RESUME, _ -> {}))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(model + ": is damaged");
  }

  @Test
  void refusesStatesItCannotRead() throws IOException {
    SavingProcess.save(folder(), 1, 3);
    Path state = path().resolve("step-1").resolve("state.json");
    String valid = Files.readString(state);
    for (String[] change :
        new String[][] {
          {"\"format_version\":2", "\"format_version\":3", "format_version: 3 is newer"},
          {"\"step\":1", "\"step\":-1", "step: -1 is negative"},
          {"\"step\":1", "\"stop\":1", "step: is missing"},
          {"\"step\":1", "\"step\":NaN", "not valid JSON"},
          {"\"seed\":42", "\"seed\":42,\"extra\":1", "extra: unknown key"},
        }) {
      assertThat(valid).contains(change[0]);
      Files.writeString(state, valid.replace(change[0], change[1]));
      assertThatThrownBy(() -> Checkpoint.open(path().resolve("step-1"), Use.RESUME))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(change[2]);
    }
    Files.writeString(state, valid.substring(0, valid.length() / 2));
    assertThatThrownBy(() -> Checkpoint.open(path().resolve("step-1"), Use.RESUME))
        .hasMessage(state + ":1: is not valid JSON: it ends too early");
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
