package org.freetransformer.corpus;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** Reads lines as bytes, and holds no more of one than a bound, however long it is. */
final class LineReader {
  /** Longest line that is given back: a text of the longest kind, with everything escaped. */
  static final int MAX_LINE = 64 << 20;

  private final InputStream bytes;
  private final int longest;
  private final byte[] buffer = new byte[1 << 16];
  private int at;
  private int filled;

  /**
   * A line.
   *
   * @param bytes without the line's end; null if there are too many
   * @param length how many there are, the line's end included
   */
  @SuppressWarnings("ArrayRecordComponent") // Read once and dropped.
  record Line(byte @Nullable [] bytes, long length) {}

  /** Tells damaged input from trouble with whoever takes the lines. */
  static final class Broken extends IOException {
    private static final long serialVersionUID = 1L;

    Broken(IOException cause) {
      super(String.valueOf(cause.getMessage()), cause);
    }
  }

  LineReader(InputStream bytes) {
    this(bytes, MAX_LINE);
  }

  LineReader(InputStream bytes, int longest) {
    this.bytes = bytes;
    this.longest = longest;
  }

  /** The next line; null at the end. */
  @Nullable Line next() throws Broken {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    long length = 0;
    while (fill()) {
      int end = lineEnd();
      int count = end - at;
      if (length + count <= longest) {
        line.write(buffer, at, count);
      } else {
        line = new ByteArrayOutputStream(0);
      }
      length += count;
      at = end;
      if (end < filled) {
        at++;
        return new Line(length <= longest ? line.toByteArray() : null, length + 1);
      }
    }
    return length == 0 ? null : new Line(length <= longest ? line.toByteArray() : null, length);
  }

  /** Goes on to the next line, and tells how many bytes that were. */
  long skipLine() throws Broken {
    long length = 0;
    while (fill()) {
      int end = lineEnd();
      length += end - at;
      at = end;
      if (end < filled) {
        at++;
        return length + 1;
      }
    }
    return length;
  }

  private int lineEnd() {
    int end = at;
    while (end < filled && buffer[end] != '\n') {
      end++;
    }
    return end;
  }

  private boolean fill() throws Broken {
    if (at < filled) {
      return true;
    }
    try {
      at = 0;
      filled = bytes.read(buffer);
      return filled > 0;
    } catch (IOException broken) {
      throw new Broken(broken);
    }
  }
}
