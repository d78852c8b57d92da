package org.freetransformer.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The file {@value #FILE} of a checkpoint: the SHA-256 of each of its other files, in the form that
 * {@code sha256sum --check} reads.
 */
final class Checksums {
  static final String FILE = "SHA256SUMS";

  private static final Pattern LINE = Pattern.compile("([0-9a-f]{64})  ([\\w.-]{1,200})");
  private static final int MOST_BYTES = 1 << 20;
  private static final int CHUNK = 1 << 18;

  private final Path folder;
  private final Map<String, String> byName;

  private Checksums(Path folder, Map<String, String> byName) {
    this.folder = folder;
    this.byName = byName;
  }

  /** Sums for files that are about to be written into a folder. */
  static Checksums inNew(Path folder) {
    return new Checksums(folder, new LinkedHashMap<>());
  }

  /**
   * Reads a folder's list.
   *
   * @throws CheckpointException if it is missing or is not such a list
   */
  static Checksums read(Path folder) {
    Path file = folder.resolve(FILE);
    Map<String, String> sums = new LinkedHashMap<>();
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw CheckpointException.damaged(file.toString(), "is too large for a list of checksums");
      }
      for (String line : Files.readAllLines(file)) {
        Matcher parts = LINE.matcher(line);
        if (!parts.matches()) {
          throw CheckpointException.damaged(file.toString(), "is not a list of SHA-256 checksums");
        }
        sums.put(parts.group(2), parts.group(1));
      }
    } catch (NoSuchFileException missing) {
      throw CheckpointException.damaged(file.toString(), "is missing", missing);
    } catch (CharacterCodingException binary) {
      throw CheckpointException.damaged(file.toString(), "is not text in UTF-8", binary);
    } catch (IOException unreadable) {
      throw CheckpointException.unreadable(file.toString(), unreadable);
    }
    return new Checksums(folder, sums);
  }

  /** Writes and flushes a file, and notes its sum: of what was meant, not of what arrived. */
  void create(String name, AtomicFile.Content content) throws IOException {
    MessageDigest digest = sha256();
    AtomicFile.create(
        folder.resolve(name), channel -> content.writeTo(new DigestingChannel(channel, digest)));
    byName.put(name, HexFormat.of().formatHex(digest.digest()));
  }

  /** Notes the sum of a file that several wrote: of what can be read of it. */
  void note(String name) throws IOException {
    byName.put(name, of(folder.resolve(name)));
  }

  /** Writes and flushes the list itself. */
  void create() throws IOException {
    StringBuilder text = new StringBuilder();
    byName.forEach((name, sum) -> text.append(sum).append("  ").append(name).append('\n'));
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    AtomicFile.create(folder.resolve(FILE), channel -> channel.write(ByteBuffer.wrap(bytes)));
  }

  /** Whether a file of this name was written. */
  boolean lists(String name) {
    return byName.containsKey(name);
  }

  /**
   * Reads a file and compares its sum.
   *
   * @throws CheckpointException if it is missing, not listed, or not what was written
   */
  void verify(String name) {
    Path file = folder.resolve(name);
    String wanted = byName.get(name);
    if (wanted == null) {
      throw CheckpointException.damaged(file.toString(), "has no checksum in " + FILE);
    }
    try {
      if (!of(file).equals(wanted)) {
        throw CheckpointException.damaged(
            file.toString(), "is damaged: its SHA-256 is not the one in " + FILE);
      }
    } catch (NoSuchFileException missing) {
      throw CheckpointException.damaged(file.toString(), "is missing", missing);
    } catch (IOException unreadable) {
      throw CheckpointException.unreadable(file.toString(), unreadable);
    }
  }

  private static String of(Path file) throws IOException {
    MessageDigest digest = sha256();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
      while (channel.read(chunk) >= 0) {
        digest.update(chunk.flip());
        chunk.clear();
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java platform has SHA-256", impossible);
    }
  }

  /** Sums up the bytes that it passes on. */
  private static final class DigestingChannel implements WritableByteChannel {
    private final WritableByteChannel channel;
    private final MessageDigest digest;
    private boolean open = true;

    DigestingChannel(WritableByteChannel channel, MessageDigest digest) {
      this.channel = channel;
      this.digest = digest;
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      if (!open) {
        throw new ClosedChannelException();
      }
      digest.update(bytes.duplicate());
      return channel.write(bytes);
    }

    @Override
    public boolean isOpen() {
      return open;
    }

    @Override
    public void close() {
      open = false;
    }
  }
}
