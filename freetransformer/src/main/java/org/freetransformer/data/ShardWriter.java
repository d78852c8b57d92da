package org.freetransformer.data;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * Writes one shard: under temporary names, flushed and renamed at the end, so that a file of the
 * right name is complete.
 */
final class ShardWriter implements Closeable {

  static final String TEMPORARY = ".tmp";

  private final Split split;
  private final String name;
  private final TokenWidth width;
  private final Output tokens;
  private final Output ends;
  private long tokenCount;
  private long documentCount;
  private long byteCount;

  /** A file that is being written, and the checksum of what is in it so far. */
  private static final class Output implements Closeable {
    private final Path target;
    private final Path temporary;
    private final FileChannel channel;
    private final CRC32C checksum = new CRC32C();
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

    Output(Path target) throws IOException {
      this.target = target;
      this.temporary = target.resolveSibling("." + target.getFileName() + TEMPORARY);
      this.channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE);
    }

    ByteBuffer room(int bytes) throws IOException {
      if (buffer.remaining() < bytes) {
        drain();
      }
      return buffer;
    }

    private void drain() throws IOException {
      buffer.flip();
      checksum.update(buffer.duplicate());
      try {
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
      } catch (IOException full) {
        throw named(full);
      }
      buffer.clear();
    }

    /** A full channel does not know whose it is. */
    private IOException named(IOException full) {
      return new IOException("cannot write " + target + ": " + full.getMessage(), full);
    }

    long finish() throws IOException {
      drain();
      try {
        channel.force(true);
        channel.close();
      } catch (IOException full) {
        throw named(full);
      }
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      return checksum.getValue();
    }

    @Override
    public void close() throws IOException {
      channel.close();
      Files.deleteIfExists(temporary);
    }
  }

  ShardWriter(Path folder, Split split, int part, TokenWidth width) throws IOException {
    this.split = split;
    this.name = TokenShard.nameOf(split, part);
    this.width = width;
    this.tokens = new Output(folder.resolve(name + TokenShard.TOKENS_ENDING));
    try {
      this.ends = new Output(folder.resolve(name + TokenShard.ENDS_ENDING));
    } catch (IOException cannotWrite) {
      tokens.close();
      throw cannotWrite;
    }
  }

  /**
   * Adds a document.
   *
   * @param document its tokens, that between documents included
   * @param bytes of UTF-8 that they stand for
   */
  void add(int[] document, long bytes) throws IOException {
    for (int token : document) {
      width.put(tokens.room(Integer.BYTES), token);
    }
    tokenCount += document.length;
    documentCount++;
    byteCount += bytes;
    ends.room(Long.BYTES).putLong(tokenCount);
  }

  /** Puts both files in their place. */
  TokenShard finish() throws IOException {
    long tokensChecksum = tokens.finish();
    long endsChecksum = ends.finish();
    return new TokenShard(
        split, name, tokenCount, documentCount, byteCount, tokensChecksum, endsChecksum);
  }

  @Override
  public void close() throws IOException {
    try (tokens) {
      ends.close();
    }
  }
}
