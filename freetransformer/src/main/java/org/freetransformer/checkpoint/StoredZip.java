package org.freetransformer.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The files in a zip archive that stores them uncompressed, as PyTorch writes it, as slices of the
 * mapped archive. The JDK's own reader copies what it reads; tensors must not be copied.
 *
 * <p>Source: PKWARE's APPNOTE 6.3.10, with the 64-bit extensions.
 */
final class StoredZip {
  private static final int END = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int LONGEST_COMMENT = 0xFFFF;
  private static final int END64 = 0x06064b50;
  private static final int END64_BYTES = 56;
  private static final int LOCATOR64 = 0x07064b50;
  private static final int LOCATOR64_BYTES = 20;
  private static final int CENTRAL = 0x02014b50;
  private static final int CENTRAL_BYTES = 46;
  private static final int LOCAL = 0x04034b50;
  private static final int LOCAL_BYTES = 30;
  private static final int EXTRA64 = 0x0001;
  private static final long IN_EXTRA = 0xFFFF_FFFFL;

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment file;
  private final String source;
  private final Map<String, MemorySegment> entries = new LinkedHashMap<>();

  private StoredZip(MemorySegment file, String source) {
    this.file = file;
    this.source = source;
  }

  /**
   * The files by name.
   *
   * @param source the name to print in errors
   * @throws CheckpointException if this is no zip archive, is damaged, or compresses a file
   */
  static Map<String, MemorySegment> entries(MemorySegment file, String source) {
    StoredZip zip = new StoredZip(file, source);
    zip.readDirectory(zip.findEnd());
    return Collections.unmodifiableMap(zip.entries);
  }

  private long findEnd() {
    long last = file.byteSize() - END_BYTES;
    long first = Math.max(0, last - LONGEST_COMMENT);
    for (long at = last; at >= first; at--) {
      if (file.get(INT, at) == END) {
        return at;
      }
    }
    throw fail("has no zip directory at its end; it is cut short, or no zip archive");
  }

  private void readDirectory(long end) {
    long count = unsigned(end + 10, SHORT);
    long bytes = unsigned(end + 12, INT);
    long begin = unsigned(end + 16, INT);
    boolean wide = count == 0xFFFF || bytes == IN_EXTRA || begin == IN_EXTRA;
    if (wide && end >= LOCATOR64_BYTES && file.get(INT, end - LOCATOR64_BYTES) == LOCATOR64) {
      MemorySegment end64 = slice(file.get(LONG, end - LOCATOR64_BYTES + 8), END64_BYTES);
      require(end64.get(INT, 0) == END64);
      count = end64.get(LONG, 32);
      bytes = end64.get(LONG, 40);
      begin = end64.get(LONG, 48);
    }
    MemorySegment directory = slice(begin, bytes);
    long at = 0;
    for (long i = 0; i < count; i++) {
      require(directory.byteSize() - at >= CENTRAL_BYTES);
      at += readEntry(directory.asSlice(at));
    }
  }

  /** Takes in the first entry of what is left of the directory, and gives its length there. */
  private long readEntry(MemorySegment rest) {
    require(rest.get(INT, 0) == CENTRAL);
    int nameBytes = Short.toUnsignedInt(rest.get(SHORT, 28));
    int extraBytes = Short.toUnsignedInt(rest.get(SHORT, 30));
    int commentBytes = Short.toUnsignedInt(rest.get(SHORT, 32));
    long length = (long) CENTRAL_BYTES + nameBytes + extraBytes + commentBytes;
    require(rest.byteSize() >= length);
    byte[] name = rest.asSlice(CENTRAL_BYTES, nameBytes).toArray(ValueLayout.JAVA_BYTE);
    MemorySegment extra = rest.asSlice(CENTRAL_BYTES + (long) nameBytes, extraBytes);
    add(new String(name, StandardCharsets.UTF_8), rest, extra);
    return length;
  }

  private void add(String name, MemorySegment entry, MemorySegment extra) {
    boolean plain = entry.get(SHORT, 10) == 0 && (entry.get(SHORT, 8) & 1) == 0;
    if (!plain) {
      throw fail(
          "compresses or encrypts '%s'; PyTorch writes archives that do neither".formatted(name));
    }
    WideFields wide = new WideFields(extra);
    long size = wide.orNext(entry.get(INT, 24));
    wide.orNext(entry.get(INT, 20));
    long local = wide.orNext(entry.get(INT, 42));
    MemorySegment header = slice(local, LOCAL_BYTES);
    require(header.get(INT, 0) == LOCAL);
    long skipped =
        LOCAL_BYTES
            + (long) Short.toUnsignedInt(header.get(SHORT, 26))
            + Short.toUnsignedInt(header.get(SHORT, 28));
    if (entries.put(name, slice(local + skipped, size)) != null) {
      throw fail("holds '%s' twice".formatted(name));
    }
  }

  /** The 64-bit values that stand in the extra field, in this order, for those all of ones. */
  private final class WideFields {
    private final MemorySegment values;
    private long at;

    WideFields(MemorySegment extra) {
      MemorySegment found = extra.asSlice(0, 0);
      for (long from = 0; from + 4 <= extra.byteSize(); ) {
        int length = Short.toUnsignedInt(extra.get(SHORT, from + 2));
        if (extra.get(SHORT, from) == EXTRA64 && from + 4 + length <= extra.byteSize()) {
          found = extra.asSlice(from + 4, length);
        }
        from += 4 + length;
      }
      values = found;
    }

    long orNext(int narrow) {
      long value = Integer.toUnsignedLong(narrow);
      if (value != IN_EXTRA) {
        return value;
      }
      require(values.byteSize() - at >= Long.BYTES);
      at += Long.BYTES;
      return values.get(LONG, at - Long.BYTES);
    }
  }

  private long unsigned(long at, ValueLayout.OfShort layout) {
    return Short.toUnsignedLong(file.get(layout, at));
  }

  private long unsigned(long at, ValueLayout.OfInt layout) {
    return Integer.toUnsignedLong(file.get(layout, at));
  }

  private MemorySegment slice(long begin, long bytes) {
    long size = file.byteSize();
    require(begin >= 0 && bytes >= 0 && begin <= size && bytes <= size - begin);
    return file.asSlice(begin, bytes);
  }

  private void require(boolean sound) {
    if (!sound) {
      throw fail("has a damaged zip directory; it is cut short or was changed");
    }
  }

  private CheckpointException fail(String problem) {
    return new CheckpointException(source, problem);
  }
}
