package org.freetransformer.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The checkpoints of a run: {@code checkpoints/step-N/{model.safetensors, optimizer.safetensors,
 * parts.safetensors, state.json, SHA256SUMS}}. A folder of that name is complete from the moment it
 * can be seen; of several, the last and the best few are kept, and {@code checkpoints/best} links
 * to the best one. One process writes, any may read.
 */
public final class CheckpointFolder {

  private static final Pattern STEP = Pattern.compile("step-(\\d{1,18})");
  private static final Pattern REPLACED_STEP = Pattern.compile("\\.(step-\\d{1,18})\\.replaced");
  private static final Pattern LEFTOVER =
      Pattern.compile("\\.step-\\d{1,18}\\.(tmp|removed|replaced)");

  private static final String BEST = "best";

  private final Path folder;
  private final Consumer<String> warnings;

  /** Steps of old checkpoints that cannot be removed, once that was told. */
  private final Set<Long> stuck = new HashSet<>();

  /** The checkpoints in {@code folder}, which need not exist yet. */
  public CheckpointFolder(Path folder) {
    this(folder, _ -> {});
  }

  /**
   * The same.
   *
   * @param warnings told, in one line each, of old checkpoints that cannot be removed
   */
  public CheckpointFolder(Path folder, Consumer<String> warnings) {
    this.folder = folder;
    this.warnings = warnings;
  }

  /**
   * The newest checkpoint that is whole.
   *
   * @param use decides what must be whole
   * @param notes told, in one line each, of damaged ones that are passed over
   * @return nothing if there are no checkpoints
   * @throws CheckpointException if there are some, but none is whole; or one that may be whole
   *     cannot be read now or by this program
   */
  public Optional<Checkpoint> newest(Checkpoint.Use use, Consumer<String> notes) {
    return firstWhole(candidates().reversed(), use, notes);
  }

  /**
   * The checkpoint with the lowest held-out bound of those that are whole and were evaluated.
   *
   * @param notes told, in one line each, of damaged ones that are passed over
   * @return nothing if none was evaluated
   * @throws CheckpointException if some were, but none is whole
   */
  public Optional<Checkpoint> best(Checkpoint.Use use, Consumer<String> notes) {
    return firstWhole(byBound(candidates()), use, notes);
  }

  /** The steps of the checkpoints that are here, whole or not, in their order. */
  public List<Long> stepNumbers() {
    return candidates().stream().map(CheckpointFolder::stepOf).toList();
  }

  /**
   * A checkpoint as a look at every byte of it found it.
   *
   * @param folder {@code step-N}
   * @param whole null if it is damaged
   * @param problem what is wrong with a damaged one, in one line
   */
  public record Examined(Path folder, @Nullable Checkpoint whole, @Nullable String problem) {}

  /** All checkpoints by step, each looked at. */
  public List<Examined> examine() {
    List<Examined> found = new ArrayList<>();
    for (Path candidate : candidates()) {
      try {
        Checkpoint whole = Checkpoint.open(candidate, Checkpoint.Use.RESUME);
        found.add(new Examined(candidate, whole, null));
      } catch (CheckpointException damaged) {
        found.add(new Examined(candidate, null, damaged.getMessage()));
      }
    }
    return found;
  }

  /**
   * The lowest held-out bound of the checkpoints here, as their states tell it; damaged ones count
   * until they are {@linkplain #setAsideDamaged set aside}.
   */
  public OptionalDouble lowestBound() {
    List<Path> byBound = byBound(candidates());
    return byBound.isEmpty()
        ? OptionalDouble.empty()
        : CheckpointState.read(byBound.getFirst().resolve(Checkpoint.STATE)).heldOutBound();
  }

  /**
   * Gives a checkpoint its name back that a crash left aside in the moment of its replacement, so
   * that whoever looks for its step finds it.
   *
   * @param found by {@link #newest} or {@link #best}
   * @return the same under the name {@code step-N}
   * @throws IOException if it cannot be renamed
   */
  public Checkpoint inPlace(Checkpoint found) throws IOException {
    Path target = folder.resolve("step-" + found.state().step());
    if (!found.folder().equals(target)) {
      Files.move(found.folder(), target, StandardCopyOption.ATOMIC_MOVE);
    }
    return new Checkpoint(target, found.state());
  }

  private static Optional<Checkpoint> firstWhole(
      List<Path> candidates, Checkpoint.Use use, Consumer<String> notes) {
    List<CheckpointException> damaged = new ArrayList<>();
    for (Path candidate : candidates) {
      try {
        Checkpoint whole = Checkpoint.open(candidate, use);
        damaged.forEach(
            problem -> notes.accept(problem.getMessage() + "; using " + candidate + " instead"));
        return Optional.of(whole);
      } catch (CheckpointException problem) {
        if (!problem.isDamage()) {
          throw problem; // To go on from an older one would lose what may be whole.
        }
        damaged.add(problem);
      }
    }
    if (!damaged.isEmpty()) {
      throw damaged.getFirst();
    }
    return Optional.empty();
  }

  /**
   * Saves a checkpoint as {@code step-N}, then removes those that need not be kept. One that cannot
   * be removed, because a file of it is in use, say, is a warning.
   *
   * @param state where the run stands
   * @throws IOException if the disk is full or the folder cannot be written; earlier checkpoints
   *     are as they were, and nothing half-written is left
   */
  public Checkpoint save(CheckpointState state, CheckpointFiles files, Retention retention)
      throws IOException {
    return save(
        state,
        retention,
        temporary -> {
          Checksums sums = Checksums.inNew(temporary);
          sums.create(Checkpoint.MODEL, files.model()::writeTo);
          sums.create(Checkpoint.OPTIMIZER, files.optimizer()::writeTo);
          sums.create(Checkpoint.PARTS, PartsFile.of(files.parts())::writeTo);
          finish(state, files, sums);
        });
  }

  private static void finish(CheckpointState state, CheckpointFiles files, Checksums sums)
      throws IOException {
    String tokenizer = files.tokenizer();
    if (tokenizer != null) {
      byte[] json = tokenizer.getBytes(StandardCharsets.UTF_8);
      sums.create(Checkpoint.TOKENIZER, channel -> channel.write(ByteBuffer.wrap(json)));
    }
    sums.create(Checkpoint.STATE, state::writeTo);
    sums.create();
  }

  /**
   * The same by several ranks, each of which writes its share of the tensors at the same time: all
   * ranks call it, and return when the checkpoint is complete.
   *
   * @param files all of it; of the tensors only names and shapes are used
   * @param share what this rank writes
   * @throws IOException as {@link #save} does
   */
  public Checkpoint saveTogether(
      CheckpointState state, CheckpointFiles files, CheckpointShare share, Retention retention)
      throws IOException {
    Path target = folder.resolve("step-" + state.step());
    if (share.isFirst()) {
      save(
          state,
          retention,
          temporary -> {
            share.writeInto(temporary, files);
            Checksums sums = Checksums.inNew(temporary);
            sums.note(Checkpoint.MODEL);
            sums.note(Checkpoint.OPTIMIZER);
            sums.note(Checkpoint.PARTS);
            finish(state, files, sums);
          });
    } else {
      share.writeInto(AtomicDirectory.aside(target, AtomicDirectory.TEMPORARY), files);
    }
    share.meet();
    return new Checkpoint(target, state);
  }

  private Checkpoint save(
      CheckpointState state, Retention retention, AtomicDirectory.Content content)
      throws IOException {
    Path target = folder.resolve("step-" + state.step());
    try {
      AtomicFile.createFolders(folder);
      clearLeftovers();
    } catch (IOException cause) {
      throw AtomicFile.failure(target, cause);
    }
    AtomicDirectory.write(target, content);
    List<Path> all = steps();
    List<Path> byBound = byBound(all);
    Set<Path> kept = kept(target, all, byBound, retention);
    linkBest(byBound.stream().filter(kept::contains).findFirst());
    for (Path old : all) {
      if (!kept.contains(old)) {
        removeOrWarn(old, AtomicDirectory::remove);
      }
    }
    return new Checkpoint(target, state);
  }

  /**
   * The checkpoint of a step, which another rank has verified.
   *
   * @throws CheckpointException if it cannot be read
   */
  public Checkpoint verifiedByAnother(long step) {
    Path target = folder.resolve("step-" + step);
    return new Checkpoint(target, CheckpointState.read(target.resolve(Checkpoint.STATE)));
  }

  /**
   * Renames the checkpoints that are damaged: as {@code step-N.damaged} they can be looked at, and
   * are in nobody's way. They are all those after the newest whole one, and those before it whose
   * weights are not what was written.
   *
   * @param newest the {@linkplain #newest newest} whole one
   * @return their new names
   * @throws IOException if that fails
   */
  public List<Path> setAsideDamaged(Checkpoint newest) throws IOException {
    List<Path> renamed = new ArrayList<>();
    for (Path other : steps()) {
      long step = stepOf(other);
      if (step > newest.state().step() || (step < newest.state().step() && isDamaged(other))) {
        Path aside = other.resolveSibling(other.getFileName() + ".damaged");
        AtomicDirectory.delete(aside);
        Files.move(other, aside, StandardCopyOption.ATOMIC_MOVE);
        renamed.add(aside);
      }
    }
    return renamed;
  }

  private static boolean isDamaged(Path checkpoint) {
    try {
      Checkpoint.open(checkpoint, Checkpoint.Use.WEIGHTS);
      return false;
    } catch (CheckpointException problem) {
      return problem.isDamage();
    }
  }

  private static Set<Path> kept(
      Path saved, List<Path> all, List<Path> byBound, Retention retention) {
    Set<Path> kept = new HashSet<>();
    kept.add(saved);
    kept.addAll(all.subList(Math.max(0, all.size() - retention.last()), all.size()));
    kept.addAll(byBound.subList(0, Math.min(retention.best(), byBound.size())));
    return kept;
  }

  /** Removes folders. */
  @FunctionalInterface
  private interface Removal {
    void remove(Path folder) throws IOException;
  }

  /** The new checkpoint is worth more than the old one's room. */
  private void removeOrWarn(Path old, Removal removal) {
    try {
      removal.remove(old);
    } catch (IOException | UncheckedIOException inUse) {
      if (stuck.add(stepOf(old))) {
        warnings.accept("an old checkpoint cannot be removed now: " + inUse.getMessage());
      }
    }
  }

  /** For readers other than this program, which goes by the states: it cannot be out of date. */
  private void linkBest(Optional<Path> best) throws IOException {
    Path link = folder.resolve(BEST);
    Path temporary = folder.resolve("." + BEST + AtomicDirectory.TEMPORARY);
    try {
      Files.deleteIfExists(temporary);
      if (best.isEmpty()) {
        Files.deleteIfExists(link);
        return;
      }
      Files.createSymbolicLink(temporary, best.get().getFileName());
      Files.move(temporary, link, StandardCopyOption.ATOMIC_MOVE);
    } catch (UnsupportedOperationException | FileSystemException noLinksHere) {
      Files.deleteIfExists(temporary);
    }
  }

  /** The evaluated ones of these checkpoints, the lowest bound first; of equal ones the newest. */
  private static List<Path> byBound(List<Path> checkpoints) {
    Map<Path, Double> bounds = new HashMap<>();
    for (Path checkpoint : checkpoints) {
      try {
        CheckpointState.read(checkpoint.resolve(Checkpoint.STATE))
            .heldOutBound()
            .ifPresent(bound -> bounds.put(checkpoint, bound));
      } catch (CheckpointException damaged) {
        // Not known to be good, so not among the best.
      }
    }
    return checkpoints.reversed().stream()
        .filter(bounds::containsKey)
        .sorted(Comparator.comparing(bounds::get))
        .toList();
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
      throw CheckpointException.unreadable(folder.toString(), unreadable);
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
        removeOrWarn(path, AtomicDirectory::delete);
      }
    }
  }

  private static long stepOf(Path path) {
    Matcher digits = STEP.matcher(path.getFileName().toString());
    return digits.find() ? Long.parseLong(digits.group(1)) : -1;
  }
}
