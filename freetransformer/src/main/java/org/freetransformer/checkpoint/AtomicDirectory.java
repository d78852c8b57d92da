package org.freetransformer.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Writes a folder of files so that, whatever happens, a reader finds it complete or not at all:
 * under the temporary name {@code .NAME.tmp}, flushed to the disk, then renamed. A folder of that
 * name that is there already steps aside as {@code .NAME.replaced} for the moment of the renaming;
 * if the process ends in that moment, this is the complete one.
 */
final class AtomicDirectory {

  static final String TEMPORARY = ".tmp";
  static final String REPLACED = ".replaced";
  static final String REMOVED = ".removed";

  private AtomicDirectory() {}

  /** Fills a folder with files. */
  @FunctionalInterface
  interface Content {
    /** Writes files, none of them in a folder of its own, and flushes each. */
    void writeTo(Path folder) throws IOException;
  }

  /**
   * Writes or replaces {@code target}. One process writes to a folder at a time.
   *
   * @throws IOException with one line that names the folder and the cause; the temporary folder is
   *     gone then, and a folder that was there before is in its place
   */
  static void write(Path target, Content content) throws IOException {
    Path parent = AtomicFile.folderOf(target);
    Path temporary = aside(target, TEMPORARY);
    try {
      delete(temporary);
      Files.createDirectory(temporary);
      content.writeTo(temporary);
      AtomicFile.flush(temporary);
      rename(temporary, target);
      AtomicFile.flush(parent);
    } catch (IOException cause) {
      delete(temporary);
      throw AtomicFile.failure(target, cause);
    } catch (RuntimeException | Error cause) {
      delete(temporary);
      throw cause;
    }
    try {
      delete(aside(target, REPLACED));
    } catch (IOException | UncheckedIOException inUse) {
      // The new folder is in its place all the same; the next one written there tries again.
    }
  }

  /** Gives a new folder its name; if that fails, the one that stepped aside for it comes back. */
  private static void rename(Path temporary, Path target) throws IOException {
    Path replaced = aside(target, REPLACED);
    if (Files.exists(target)) {
      delete(replaced);
      Files.move(target, replaced, StandardCopyOption.ATOMIC_MOVE);
    }
    try {
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException failure) {
      if (Files.exists(replaced)) {
        Files.move(replaced, target, StandardCopyOption.ATOMIC_MOVE);
      }
      throw failure;
    }
  }

  /** Removes a folder in one step, as a reader sees it. */
  static void remove(Path target) throws IOException {
    Path removed = aside(target, REMOVED);
    delete(removed);
    Files.move(target, removed, StandardCopyOption.ATOMIC_MOVE);
    // Else a power failure could bring the old name back, with files missing.
    AtomicFile.flush(AtomicFile.folderOf(target));
    delete(removed);
  }

  /** The name beside {@code target} that says what has become of it. */
  static Path aside(Path target, String ending) {
    return AtomicFile.folderOf(target).resolve("." + target.getFileName() + ending);
  }

  /** Deletes a folder and all that is in it; nothing if it is not there. */
  static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      for (Path path : contents(folder)) {
        Files.delete(path);
      }
    }
  }

  /** All files and folders in a folder, deepest first, itself last. */
  private static List<Path> contents(Path folder) throws IOException {
    try (Stream<Path> found = Files.walk(folder)) {
      return found.sorted(Comparator.reverseOrder()).toList();
    }
  }
}
