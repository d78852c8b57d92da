package org.freetransformer.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.time.temporal.ChronoUnit.SECONDS;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.freetransformer.config.ConfigException;

/**
 * The right to write in a folder, held by one process at a time. The operating system takes it back
 * when the process ends, however it ends: what is left is the file {@value #FILE}, which says
 * nothing by being there.
 */
public final class FolderLock implements AutoCloseable {
  private static final String FILE = ".lock";
  private static final int MOST_BYTES = 200;

  /** Folders locked by this process, whose locks a second look at their files would break. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final FileChannel channel;

  private FolderLock(Path folder, FileChannel channel) {
    this.folder = folder;
    this.channel = channel;
  }

  /**
   * Takes the lock of a folder, which is made if need be.
   *
   * @param warnings told where the file system has no locks, as some network file systems
   * @throws ConfigException if the folder is locked already, or cannot be written
   */
  public static FolderLock take(Path folder, Consumer<String> warnings) {
    try {
      Path real = Files.createDirectories(folder).toRealPath();
      if (!HELD.add(real)) {
        throw inUse(folder, "this process");
      }
      try {
        return new FolderLock(real, locked(folder, warnings));
      } catch (IOException | RuntimeException refused) {
        HELD.remove(real);
        throw refused;
      }
    } catch (IOException failure) {
      throw FileProblems.at(folder, "cannot be written: " + FileProblems.describe(failure));
    }
  }

  /**
   * Checks that no one has the lock of a folder, which need not be there and is not made.
   *
   * @throws ConfigException if someone has it, or the folder cannot be written
   */
  public static void requireFree(Path folder) throws IOException {
    if (Files.exists(folder.resolve(FILE))) {
      take(folder, _ -> {}).close();
    }
  }

  private static FileChannel locked(Path folder, Consumer<String> warnings) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve(FILE),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    try {
      // A byte far away: on Windows, nobody else may read what is locked.
      if (channel.tryLock(Long.MAX_VALUE - 1, 1, false) == null) {
        String owner = owner(channel);
        channel.close();
        throw inUse(folder, owner);
      }
    } catch (IOException noLocksHere) {
      warnings.accept(
          "%s cannot be locked (%s); make sure that no other process writes there"
              .formatted(folder, FileProblems.reason(noLocksHere)));
    }
    sign(channel);
    return channel;
  }

  /** Leaves word for those who find it locked; they can do without. */
  private static void sign(FileChannel channel) {
    String self =
        "process %d since %s"
            .formatted(ProcessHandle.current().pid(), Instant.now().truncatedTo(SECONDS));
    try {
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(self.getBytes(UTF_8)), 0);
    } catch (IOException full) {
      // The lock holds without a signature.
    }
  }

  private static String owner(FileChannel channel) {
    try {
      ByteBuffer text = ByteBuffer.allocate(MOST_BYTES);
      channel.read(text, 0);
      String owner = UTF_8.decode(text.flip()).toString();
      return owner.startsWith("process ") ? owner.replaceAll("\\R", " ") : "another process";
    } catch (IOException unreadable) {
      return "another process";
    }
  }

  private static ConfigException inUse(Path folder, String owner) {
    return FileProblems.at(
        folder, "is in use by " + owner + "; wait until it is done, or name another");
  }

  /** Gives the lock back. */
  @Override
  public void close() throws IOException {
    channel.close();
    HELD.remove(folder);
  }
}
