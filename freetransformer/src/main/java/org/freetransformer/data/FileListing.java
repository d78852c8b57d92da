package org.freetransformer.data;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.FileVisitor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import org.freetransformer.config.ConfigException;
import org.jspecify.annotations.Nullable;

/**
 * The files in a folder and in the folders in it, where links are followed; files and folders whose
 * names begin with a dot are left out. Of a file it is that file.
 *
 * @param root the file or folder
 * @param files in the order of their paths
 * @param skips what is there and cannot be read: links to nothing, folders that may not be entered
 */
public record FileListing(Path root, List<Path> files, List<Skips.Skip> skips) {

  /** Copies both lists. */
  public FileListing {
    files = List.copyOf(files);
    skips = List.copyOf(skips);
  }

  /**
   * Lists a file or a folder.
   *
   * @throws IllegalArgumentException if it is missing, empty, or cannot be read
   */
  public static FileListing of(Path root) {
    if (!Files.exists(root)) {
      throw new IllegalArgumentException(
          "data_dir: %s does not exist, seen from %s; name a file or a folder of them"
              .formatted(root, Path.of("").toAbsolutePath()));
    }
    Walk walk = new Walk(root);
    try {
      Files.walkFileTree(root, EnumSet.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE, walk);
    } catch (IOException unreadable) {
      throw new ConfigException(
          "data_dir",
          "%s cannot be read; name a file or a folder of them (%s)"
              .formatted(root, reason(unreadable)));
    }
    if (walk.files.isEmpty() && walk.skips.isEmpty()) {
      throw new ConfigException("data_dir", root + " holds no files");
    }
    walk.files.sort(Comparator.naturalOrder());
    walk.skips.sort(Comparator.comparing(Skips.Skip::place)); // Folders have no order of their own.
    return new FileListing(root, walk.files, walk.skips);
  }

  /** A file's name in reports: its path in the folder, or as it was named by itself. */
  public String nameOf(Path file) {
    return nameOf(root, file);
  }

  private static String nameOf(Path root, Path file) {
    return file.equals(root) ? file.toString() : root.relativize(file).toString();
  }

  private static String reason(IOException failure) {
    return switch (failure) {
      case FileSystemLoopException _ -> "a link to a folder that it is in";
      case AccessDeniedException _ -> "no permission";
      default -> failure.getClass().getSimpleName();
    };
  }

  /** Collects what it comes by; only a root that cannot be read ends it. */
  private static final class Walk implements FileVisitor<Path> {
    private final Path root;
    private final List<Path> files = new ArrayList<>();
    private final List<Skips.Skip> skips = new ArrayList<>();

    Walk(Path root) {
      this.root = root;
    }

    private boolean isHidden(Path file) {
      return !file.equals(root) && String.valueOf(file.getFileName()).startsWith(".");
    }

    @Override
    public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
      return isHidden(folder) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
      if (!isHidden(file)) {
        if (attributes.isRegularFile()) {
          files.add(file);
        } else {
          skip(file, attributes.isSymbolicLink() ? "a link to nothing" : "no file with content");
        }
      }
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
      if (file.equals(root)) {
        throw failure;
      }
      if (!isHidden(file)) {
        skip(file, reason(failure));
      }
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
        throws IOException {
      return failure == null ? FileVisitResult.CONTINUE : visitFileFailed(folder, failure);
    }

    private void skip(Path file, String reason) {
      skips.add(new Skips.Skip(SkipReason.UNREADABLE, nameOf(root, file), reason));
    }
  }
}
