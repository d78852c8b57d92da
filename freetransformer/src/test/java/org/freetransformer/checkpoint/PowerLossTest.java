package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.freetransformer.checkpoint.Checkpoint.Use;
import org.freetransformer.checkpoint.RecordingFileSystem.Change;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Saves, with the power cut after every single change to the disk. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Windows flushes no folders")
class PowerLossTest {
  private static final int[] STEPS = {1, 2, 3, 3, 4};
  private static final int LIVES = 2;

  @TempDir private Path temporary;

  /** What was done to the disk, and how much of it when each save was over. */
  private record Story(Path root, List<Change> changes, List<Integer> ends) {}

  private Story saves() throws IOException {
    RecordingFileSystem recorder = new RecordingFileSystem();
    Path root = Files.createDirectory(temporary.resolve("recorded")).toRealPath();
    CheckpointFolder folder = new CheckpointFolder(recorder.wrap(root.resolve("run/checkpoints")));
    List<Integer> ends = new ArrayList<>();
    for (int step : STEPS) {
      // The best one is the second, so that it outlives those after it.
      save(folder, step, Math.abs(step - 2));
      ends.add(recorder.changes().size());
    }
    return new Story(root, List.copyOf(recorder.changes()), ends);
  }

  private static void save(CheckpointFolder folder, int step, double bound) throws IOException {
    MemorySegment values = MemorySegment.ofArray(new float[] {step, step, step});
    TensorSource tensor = TensorSource.of("values", TensorType.F32, List.of(3L), values);
    TensorFile file = new TensorFile(Map.of(), List.of(tensor));
    folder.save(
        new CheckpointState(step, 0, 0, 0, OptionalDouble.of(bound)),
        new CheckpointFiles(file, file, List.of()),
        new Retention(2, 1));
  }

  /**
   * Cuts the power after every change, and tells what first was wrong then; nothing if all is well.
   */
  private Optional<String> trouble(Story story, Predicate<Change> reachesTheDisk)
      throws IOException {
    SplittableRandom chance = new SplittableRandom(11);
    PowerLoss disk = new PowerLoss(story.root());
    for (int done = 0; done < story.changes().size(); done++) {
      Change change = story.changes().get(done);
      if (reachesTheDisk.test(change)) {
        disk.apply(change);
      }
      for (int life = 0; life < LIVES; life++) {
        Path found = temporary.resolve("found");
        disk.materialize(found, chance);
        String trouble = trouble(found.resolve("run/checkpoints"), safeStep(story, done + 1));
        AtomicDirectory.delete(found);
        if (!trouble.isEmpty()) {
          return Optional.of("after change %d, %s: %s".formatted(done, change, trouble));
        }
      }
    }
    return Optional.empty();
  }

  private static int safeStep(Story story, int changes) {
    int safe = 0;
    for (int save = 0; save < STEPS.length; save++) {
      safe = story.ends().get(save) <= changes ? STEPS[save] : safe;
    }
    return safe;
  }

  private static String trouble(Path checkpoints, int safeStep) {
    CheckpointFolder folder = new CheckpointFolder(checkpoints);
    for (CheckpointFolder.Examined examined : folder.examine()) {
      if (examined.whole() == null) {
        return String.valueOf(examined.problem());
      }
    }
    long newest = folder.newest(Use.RESUME, _ -> {}).map(one -> one.state().step()).orElse(0L);
    return newest < safeStep
        ? "step %d was saved, step %d is found".formatted(safeStep, newest)
        : "";
  }

  @Test
  void whatWasSavedIsFoundAndNothingHalf() throws IOException {
    Story story = saves();
    assertThat(story.changes()).hasSizeGreaterThan(80);
    assertThat(trouble(story, _ -> true)).isEmpty();
  }

  @Test
  void withoutFlushingItWouldNotBe() throws IOException {
    Story story = saves();
    assertThat(trouble(story, change -> !(change instanceof Change.Flush))).isPresent();
    Predicate<Change> file =
        change -> change instanceof Change.Flush(Path path) && path.toString().contains(".tmp/");
    assertThat(trouble(story, file.negate())).as("files unflushed").isPresent();
    Predicate<Change> newFolder =
        change -> change instanceof Change.Flush(Path path) && path.toString().endsWith(".tmp");
    assertThat(trouble(story, newFolder.negate())).as("new folder unflushed").isPresent();
    Predicate<Change> parent =
        change -> change instanceof Change.Flush(Path path) && path.endsWith("checkpoints");
    assertThat(trouble(story, parent.negate())).as("parent unflushed").isPresent();
  }

  /** The order for one save: content, its flush, the folder's, the new name, its flush. */
  @Test
  void flushesComeInOrder() throws IOException {
    Story story = saves();
    List<String> second =
        story.changes().subList(story.ends().get(0), story.ends().get(1)).stream()
            .map(PowerLossTest::describe)
            .filter(line -> !line.contains("best"))
            .distinct()
            .toList();
    assertThat(second)
        .containsExactly(
            "make .step-2.tmp",
            "make model.safetensors",
            "write model.safetensors",
            "flush model.safetensors",
            "make optimizer.safetensors",
            "write optimizer.safetensors",
            "flush optimizer.safetensors",
            "make parts.safetensors",
            "write parts.safetensors",
            "flush parts.safetensors",
            "make state.json",
            "write state.json",
            "flush state.json",
            "make SHA256SUMS",
            "write SHA256SUMS",
            "flush SHA256SUMS",
            "flush .step-2.tmp",
            "rename .step-2.tmp to step-2",
            "flush checkpoints");
  }

  private static String describe(Change change) {
    return switch (change) {
      case Change.MakeFolder(Path folder) -> "make " + folder.getFileName();
      case Change.MakeFile(Path file) -> "make " + file.getFileName();
      case Change.Write(Path file, byte[] _) -> "write " + file.getFileName();
      case Change.Flush(Path path) -> "flush " + path.getFileName();
      case Change.Rename(Path from, Path to) ->
          "rename " + from.getFileName() + " to " + to.getFileName();
      case Change.Link(Path link, Path _) -> "link " + link.getFileName();
      case Change.Remove(Path path) -> "remove " + path.getFileName();
    };
  }
}
