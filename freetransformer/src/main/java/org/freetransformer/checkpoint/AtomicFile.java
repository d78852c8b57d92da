package org.freetransformer.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes a file so that, whatever happens, a reader finds all of the new content or all of the old:
 * under a temporary name in the same folder, flushed to the disk, then renamed, and the folder
 * flushed.
 */
public final class AtomicFile {

  private AtomicFile() {}

  /** Writes content to a channel. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes everything; the channel is blocking and takes each buffer in one go.
     *
     * @throws IOException if the channel cannot be written
     */
    void writeTo(WritableByteChannel channel) throws IOException;
  }

  /**
   * Writes or replaces {@code target}.
   *
   * @throws IOException with one line that names the file and the cause: a full disk, a folder that
   *     is missing or cannot be written; the temporary file is gone then
   */
  public static void write(Path target, Content content) throws IOException {
    Path folder = folderOf(target);
    Path temporary =
        folder.resolve("." + target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    try {
      create(temporary, content);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      flush(folder);
    } catch (IOException cause) {
      Files.deleteIfExists(temporary);
      throw failure(target, cause);
    } catch (RuntimeException | Error cause) {
      Files.deleteIfExists(temporary);
      throw cause;
    }
  }

  /** Writes a file as it is and flushes it; for those that are renamed with their folder. */
  static void create(Path file, Content content) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      content.writeTo(complete(channel));
      channel.force(true);
    }
  }

  /** A file's channel that takes each buffer in one go. */
  static WritableByteChannel complete(FileChannel file) {
    return new CompleteWrites(file);
  }

  /**
   * Writes buffers whole. A file may take a part of one and say so only by a number: the disk is
   * nearly full, and only the next write tells of it.
   */
  private record CompleteWrites(FileChannel file) implements WritableByteChannel {
    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int length = bytes.remaining();
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
      return length;
    }

    @Override
    public boolean isOpen() {
      return file.isOpen();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  /** The folder a path stands in. */
  static Path folderOf(Path path) {
    Path folder = path.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IllegalArgumentException(path + " is a file system's root; name a file inside");
    }
    return folder;
  }

  /** Makes sure that a folder's list of names is on the disk. */
  static void flush(Path folder) throws IOException {
    if (System.getProperty("os.name").startsWith("Windows")) {
      return; // Windows opens no folders, and writes their changes through.
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Makes a folder and those above it, and makes sure that their names are on the disk. */
  static void createFolders(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      Path parent = folderOf(folder);
      createFolders(parent);
      Files.createDirectories(folder);
      flush(parent);
    }
  }

  /** One line for a failed write. */
  static IOException failure(Path target, IOException cause) {
    String reason =
        switch (cause) {
          case NoSuchFileException _ -> "the folder " + folderOf(target) + " does not exist";
          case AccessDeniedException denied -> "no permission to write " + denied.getFile();
          case FileSystemException named when named.getReason() != null -> named.getReason();
          default -> String.valueOf(cause.getMessage());
        };
    return new IOException("cannot write " + target + ": " + reason, cause);
  }
}
