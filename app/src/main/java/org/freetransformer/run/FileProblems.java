package org.freetransformer.run;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Optional;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Origin;

/** What went wrong with a file, in words: Java's exceptions often carry nothing but its name. */
public final class FileProblems {
  private FileProblems() {}

  /** The reason alone, such as {@code permission denied}. */
  public static String reason(IOException failure) {
    return switch (failure) {
      case NoSuchFileException _, FileNotFoundException _ -> "no such file or folder";
      case AccessDeniedException _ -> "permission denied";
      case NotDirectoryException _ -> "not a folder";
      case DirectoryNotEmptyException _ -> "the folder is not empty";
      case FileAlreadyExistsException _ -> "a file of this name is in the way";
      case FileSystemException system when system.getReason() != null -> lower(system.getReason());
      default -> lower(Optional.ofNullable(failure.getMessage()).orElse("input or output failed"));
    };
  }

  /** File and reason, such as {@code /data: permission denied}. */
  public static String describe(IOException failure) {
    return failure instanceof FileSystemException system && system.getFile() != null
        ? system.getFile() + ": " + reason(failure)
        : reason(failure);
  }

  /**
   * A failure to write, told in one line with the file's name, which a full channel does not know.
   */
  static IOException cannotWrite(Path file, IOException cause) {
    return new IOException("cannot write " + file + ": " + reason(cause), cause);
  }

  private static String lower(String reason) {
    return reason.isEmpty()
        ? reason
        : Character.toLowerCase(reason.charAt(0)) + reason.substring(1);
  }

  /** What is wrong with a file or folder that was named, as an error that begins with its name. */
  static ConfigException at(Path path, String problem) {
    return new ConfigException("", problem).at(Origin.of(path.toString()), "");
  }
}
