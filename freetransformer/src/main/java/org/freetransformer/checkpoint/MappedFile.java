package org.freetransformer.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.freetransformer.config.Nearest;

/** Maps files into memory. */
final class MappedFile {

  private MappedFile() {}

  /**
   * A whole file, read-only, until the arena is closed.
   *
   * @throws CheckpointException if it cannot be read or is missing, naming the nearest one there
   */
  static MemorySegment map(Path file, Arena arena) {
    if (!Files.isRegularFile(file)) {
      throw CheckpointException.damaged(file.toString(), missing(file));
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException unreadable) {
      throw CheckpointException.unreadable(file.toString(), unreadable);
    }
  }

  private static String missing(Path file) {
    if (Files.exists(file)) {
      return "is not a file";
    }
    Path folder = Objects.requireNonNullElse(file.toAbsolutePath().getParent(), file);
    try (Stream<Path> siblings = Files.list(folder)) {
      List<String> names = siblings.map(sibling -> sibling.getFileName().toString()).toList();
      return "does not exist"
          + Nearest.to(file.getFileName().toString(), names)
              .map(near -> "; nearest there is " + near)
              .orElse("");
    } catch (IOException unreadable) {
      return "does not exist, and neither does its folder";
    }
  }
}
