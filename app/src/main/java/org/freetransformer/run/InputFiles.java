package org.freetransformer.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Nearest;

/** Checks of files that a user names, so that a slip of the hand gets the nearest name. */
public final class InputFiles {
  private InputFiles() {}

  /**
   * Checks that a file can be read.
   *
   * @param kind what it should be, such as {@code configuration file}
   * @throws ConfigException if it is missing, a folder, or not readable
   */
  public static void requireReadable(Path file, String kind) {
    requireExists(file, kind);
    if (Files.isDirectory(file)) {
      throw FileProblems.at(file, "is a folder; a " + kind + " is needed");
    }
    if (!Files.isReadable(file)) {
      throw FileProblems.at(file, "cannot be read: permission denied");
    }
  }

  /**
   * Checks that a file or folder is there.
   *
   * @throws ConfigException if not, naming the nearest one in the same folder
   */
  public static void requireExists(Path path, String kind) {
    if (!Files.exists(path)) {
      String hint =
          Nearest.to(String.valueOf(path.getFileName()), siblings(path))
              .map(near -> "; nearest is " + path.resolveSibling(near))
              .orElse("");
      throw FileProblems.at(path, "no such " + kind + hint);
    }
  }

  private static List<String> siblings(Path path) {
    Path parent = path.toAbsolutePath().normalize().getParent();
    if (parent == null) {
      return List.of();
    }
    try (Stream<Path> beside = Files.list(parent)) {
      return beside.map(other -> String.valueOf(other.getFileName())).toList();
    } catch (IOException unreadable) {
      return List.of();
    }
  }
}
