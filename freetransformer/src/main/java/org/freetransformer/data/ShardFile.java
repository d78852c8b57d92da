package org.freetransformer.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Origin;

/**
 * A shard's two files, mapped into memory.
 *
 * @param shard what they hold
 * @param tokens the tokens
 * @param ends the place behind each document's last token
 */
record ShardFile(TokenShard shard, MemorySegment tokens, MemorySegment ends) {

  private static final ValueLayout.OfLong END =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long CHUNK = 1 << 26;

  /**
   * Maps a shard's files and checks their checksums, every byte of them.
   *
   * @throws ConfigException naming the file that is missing, too short or damaged
   */
  static ShardFile open(Path folder, TokenShard shard, Arena arena) {
    MemorySegment tokens = map(folder.resolve(shard.tokensFile()), shard.tokensChecksum(), arena);
    MemorySegment ends = map(folder.resolve(shard.endsFile()), shard.endsChecksum(), arena);
    return new ShardFile(shard, tokens, ends);
  }

  /** Checks a shard's files. */
  static void verify(Path folder, TokenShard shard) {
    try (Arena arena = Arena.ofConfined()) {
      open(folder, shard, arena);
    }
  }

  private static MemorySegment map(Path file, long checksum, Arena arena) {
    try (FileChannel channel = FileChannel.open(file)) {
      MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      if (checksumOf(mapped) != checksum) {
        throw damaged(file, "is damaged: its checksum is not the one in the manifest");
      }
      return mapped;
    } catch (IOException unreadable) {
      throw damaged(file, "cannot be read (%s)".formatted(unreadable.getClass().getSimpleName()));
    }
  }

  private static long checksumOf(MemorySegment segment) {
    CRC32C sum = new CRC32C();
    for (long from = 0; from < segment.byteSize(); from += CHUNK) {
      sum.update(segment.asSlice(from, Math.min(CHUNK, segment.byteSize() - from)).asByteBuffer());
    }
    return sum.getValue();
  }

  /** The place behind the last token of a document. */
  long end(long document) {
    return ends.get(END, document * Long.BYTES);
  }

  /**
   * Checks what is in the files: as many tokens and documents as there should be, each token in the
   * vocabulary, documents one after the other.
   *
   * @throws ConfigException if they do not hold what they should
   */
  void check(Path folder, int vocabSize) {
    TokenWidth width = TokenWidth.of(vocabSize);
    long documents = shard.documents();
    if (tokens.byteSize() != shard.tokens() * width.bytes()
        || ends.byteSize() != documents * Long.BYTES) {
      throw damaged(folder.resolve(shard.tokensFile()), "does not have the size in the manifest");
    }
    long before = 0;
    for (long document = 0; document < documents; document++) {
      if (end(document) < before) {
        throw damaged(folder.resolve(shard.endsFile()), "has ends that are not in order");
      }
      before = end(document);
    }
    if (before != shard.tokens()) {
      throw damaged(folder.resolve(shard.endsFile()), "does not end with the last token");
    }
    requireTokensBelow(vocabSize, width, folder);
  }

  private void requireTokensBelow(int vocabSize, TokenWidth width, Path folder) {
    int[] some = new int[1 << 14];
    for (long from = 0; from < shard.tokens(); from += some.length) {
      int count = (int) Math.min(some.length, shard.tokens() - from);
      width.copy(tokens, from, some, 0, count);
      for (int i = 0; i < count; i++) {
        if (some[i] < 0 || some[i] >= vocabSize) {
          throw damaged(
              folder.resolve(shard.tokensFile()),
              "holds token %d; the vocabulary has %d"
                  .formatted(Integer.toUnsignedLong(some[i]), vocabSize));
        }
      }
    }
  }

  private static ConfigException damaged(Path file, String problem) {
    return new ConfigException("", problem).at(Origin.of(file.toString()), "");
  }
}
