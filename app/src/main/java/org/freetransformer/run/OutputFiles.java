package org.freetransformer.run;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.freetransformer.checkpoint.AtomicFile;
import org.freetransformer.config.ConfigException;
import org.jspecify.annotations.Nullable;

/** Files with results: whole or not there, in folders that are made as needed. */
public final class OutputFiles {
  private OutputFiles() {}

  /**
   * Checks that nothing would be replaced.
   *
   * @throws ConfigException if there is a file or folder of this name
   */
  public static void requireNew(Path path) {
    if (Files.exists(path)) {
      throw FileProblems.at(path, "exists already; name another, or remove it first");
    }
  }

  /**
   * Makes the folder of a file, and tries to write there.
   *
   * @throws ConfigException if that fails, or a folder has the file's name
   */
  public static void requireWritable(Path file) {
    if (Files.isDirectory(file)) {
      throw FileProblems.at(file, "is a folder; the name of a file is needed");
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      requireWritableFolder(folder);
    }
  }

  /**
   * Makes a folder, and tries to write there.
   *
   * @throws ConfigException if that fails
   */
  public static void requireWritableFolder(Path folder) {
    try {
      Files.createDirectories(folder);
      Files.delete(Files.createTempFile(folder, ".write", ".test"));
    } catch (IOException failure) {
      throw FileProblems.at(folder, "cannot be written: " + FileProblems.describe(failure));
    }
  }

  /**
   * Checks that a folder may be written, or made where there is none, and changes nothing.
   *
   * @throws ConfigException if not, as far as that can be told
   */
  public static void requirePlaceFor(Path folder) {
    Path nearest = folder.toAbsolutePath();
    while (!Files.exists(nearest) && nearest.getParent() != null) {
      nearest = nearest.getParent();
    }
    boolean isFolder = Files.isDirectory(nearest);
    if (!isFolder || !Files.isWritable(nearest)) {
      throw FileProblems.at(
          folder,
          "cannot be written: %s: %s"
              .formatted(nearest, isFolder ? "permission denied" : "not a folder"));
    }
  }

  /**
   * Copies a file, if there is one, into the folder of another; one that is there already stays.
   *
   * @param notes told if that one differs
   */
  public static void placeBeside(Path file, @Nullable Path other, Consumer<String> notes)
      throws IOException {
    if (other == null) {
      return;
    }
    Path target = file.resolveSibling(other.getFileName());
    if (!Files.exists(target)) {
      write(target, Files.readAllBytes(other));
    } else if (Files.mismatch(target, other) >= 0) {
      notes.accept("%s is another file than %s, and was left as it is".formatted(target, other));
    }
  }

  /** Makes or replaces a text file in UTF-8. */
  public static void write(Path file, String text) throws IOException {
    write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Makes or replaces a file. */
  public static void write(Path file, ByteArrayOutputStream content) throws IOException {
    write(file, content.toByteArray());
  }

  private static void write(Path file, byte[] bytes) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    AtomicFile.write(file, channel -> channel.write(ByteBuffer.wrap(bytes)));
  }
}
