package org.freetransformer.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The checkpoints of a run: {@code checkpoints/step-N/{model.safetensors, optimizer.safetensors,
 * state.json}}. A folder of that name is complete from the moment it can be seen; of several, the
 * last few are kept. One process writes, any may read.
 */
public final class CheckpointFolder {

  private static final Pattern STEP = Pattern.compile("step-(\\d{1,18})");
  private static final Pattern REPLACED_STEP = Pattern.compile("\\.(step-\\d{1,18})\\.replaced");
  private static final Pattern LEFTOVER =
      Pattern.compile("\\.step-\\d{1,18}\\.(tmp|removed|replaced)");

  private final Path folder;

  /** The checkpoints in {@code folder}, which need not exist yet. */
  public CheckpointFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * The newest checkpoint that is whole.
   *
   * @param notes told, in one line each, of damaged ones that are passed over
   * @return nothing if there are no checkpoints
   * @throws CheckpointException if there are some, but none is whole
   */
  public Optional<Checkpoint> newest(Consumer<String> notes) {
    List<Path> candidates = candidates();
    List<CheckpointException> damaged = new ArrayList<>();
    for (Path candidate : candidates.reversed()) {
      try {
        Checkpoint whole = Checkpoint.open(candidate);
        damaged.forEach(
            problem -> notes.accept(problem.getMessage() + "; using " + candidate + " instead"));
        return Optional.of(whole);
      } catch (CheckpointException problem) {
        damaged.add(problem);
      }
    }
    if (!damaged.isEmpty()) {
      throw damaged.getFirst();
    }
    return Optional.empty();
  }

  /**
   * Saves a checkpoint as {@code step-N}, then removes all but the last {@code keepLast}.
   *
   * @param state where the run stands
   * @param model the weights, with the configuration in the metadata
   * @param optimizer the moments
   * @param keepLast checkpoints to keep, at least 1
   * @throws IOException if the disk is full or the folder cannot be written; earlier checkpoints
   *     are as they were, and nothing half-written is left
   */
  public Checkpoint save(
      CheckpointState state, TensorFile model, TensorFile optimizer, int keepLast)
      throws IOException {
    Path target = folder.resolve("step-" + state.step());
    try {
      Files.createDirectories(folder);
      clearLeftovers();
    } catch (IOException cause) {
      throw AtomicFile.failure(target, cause);
    }
    AtomicDirectory.write(
        target,
        temporary -> {
          AtomicFile.create(temporary.resolve(Checkpoint.MODEL), model::writeTo);
          AtomicFile.create(temporary.resolve(Checkpoint.OPTIMIZER), optimizer::writeTo);
          AtomicFile.create(temporary.resolve(Checkpoint.STATE), state::writeTo);
        });
    List<Path> kept = steps();
    int surplus = kept.size() - Math.max(1, keepLast);
    for (Path old : kept.subList(0, Math.max(0, surplus))) {
      if (!old.equals(target)) {
        AtomicDirectory.remove(old);
      }
    }
    return new Checkpoint(target, state);
  }

  /** Whole checkpoints by step, and those that a crash left aside in the moment of replacement. */
  private List<Path> candidates() {
    try {
      List<Path> found = new ArrayList<>(steps());
      for (Path path : names(REPLACED_STEP)) {
        Matcher name = REPLACED_STEP.matcher(path.getFileName().toString());
        if (name.matches() && !found.contains(folder.resolve(name.group(1)))) {
          found.add(path);
        }
      }
      found.sort(Comparator.comparingLong(CheckpointFolder::stepOf));
      return found;
    } catch (IOException unreadable) {
      throw new CheckpointException(folder.toString(), "cannot be listed", unreadable);
    }
  }

  /** The folders {@code step-N}, by N. */
  private List<Path> steps() throws IOException {
    return names(STEP).stream().sorted(Comparator.comparingLong(CheckpointFolder::stepOf)).toList();
  }

  private List<Path> names(Pattern pattern) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> found = Files.list(folder)) {
      return found
          .filter(path -> pattern.matcher(path.getFileName().toString()).matches())
          .toList();
    }
  }

  private void clearLeftovers() throws IOException {
    for (Path path : names(LEFTOVER)) {
      Matcher replaced = REPLACED_STEP.matcher(path.getFileName().toString());
      boolean needed = replaced.matches() && !Files.exists(folder.resolve(replaced.group(1)));
      if (needed) {
        Files.move(path, folder.resolve(replaced.group(1)));
      } else {
        AtomicDirectory.delete(path);
      }
    }
  }

  private static long stepOf(Path path) {
    Matcher digits = STEP.matcher(path.getFileName().toString());
    return digits.find() ? Long.parseLong(digits.group(1)) : -1;
  }
}
