package org.freetransformer.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** How tokens are written in a shard: unsigned numbers, lowest byte first. */
enum TokenWidth {
  /** Two bytes. */
  U16(Short.BYTES),
  /** Four bytes. */
  U32(Integer.BYTES);

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int bytes;

  TokenWidth(int bytes) {
    this.bytes = bytes;
  }

  /** The narrowest for tokens 0 to {@code vocabSize} − 1. */
  static TokenWidth of(int vocabSize) {
    return vocabSize <= 1 << Short.SIZE ? U16 : U32;
  }

  int bytes() {
    return bytes;
  }

  void put(ByteBuffer littleEndian, int token) {
    if (this == U16) {
      littleEndian.putShort((short) token);
    } else {
      littleEndian.putInt(token);
    }
  }

  /** Copies tokens out of a shard. */
  void copy(MemorySegment shard, long from, int[] target, int offset, int count) {
    if (this == U16) {
      for (int i = 0; i < count; i++) {
        target[offset + i] = Short.toUnsignedInt(shard.get(SHORT, (from + i) * Short.BYTES));
      }
    } else {
      MemorySegment.copy(shard, INT, from * Integer.BYTES, target, offset, count);
    }
  }
}
