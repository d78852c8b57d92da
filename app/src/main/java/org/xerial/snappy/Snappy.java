package org.xerial.snappy;

import java.io.IOException;
import java.nio.BufferOverflowException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * Decompresses Snappy's raw format; the Parquet library calls it by this name. The library of this
 * name is native code that writes what a stream claims, beyond the buffer if that is shorter, and
 * so corrupts the JVM's memory. Here all reads and writes are those of {@link ByteBuffer}, which
 * checks them.
 *
 * <p>Source: {@code format_description.txt} of google/snappy.
 */
public final class Snappy {
  private static final int LENGTH_BITS = 32;
  private static final int LONGEST_SHORT_LITERAL = 60;

  private final ByteBuffer in;
  private final ByteBuffer out;
  private final int start;

  private Snappy(ByteBuffer in, ByteBuffer out) {
    this.in = in;
    this.out = out;
    this.start = out.position();
  }

  /**
   * Decompresses what remains of a buffer to the position of another, and sets the latter's limit
   * behind it.
   *
   * @return bytes written
   * @throws IOException if the stream is damaged, or longer than the buffer
   */
  public static int uncompress(ByteBuffer compressed, ByteBuffer uncompressed) throws IOException {
    ByteBuffer out = uncompressed.duplicate();
    try {
      new Snappy(compressed.duplicate(), out).run();
    } catch (BufferUnderflowException cut) {
      throw new IOException("a Snappy stream is cut short", cut);
    } catch (BufferOverflowException tooLong) {
      throw new IOException("a Snappy stream is longer than it claims", tooLong);
    }
    uncompressed.limit(out.position());
    return out.position() - uncompressed.position();
  }

  private void run() throws IOException {
    long length = length();
    if (length > out.remaining()) {
      throw new IOException(
          "a Snappy stream claims %d bytes where there are %d".formatted(length, out.remaining()));
    }
    out.limit(start + (int) length);
    while (in.hasRemaining()) {
      int tag = in.get();
      int high = (tag & 0xFF) >>> 2;
      switch (tag & 3) {
        case 0 -> literal(high);
        case 1 -> copy(4 + (high & 7), (high >>> 3) << 8 | unsigned(1));
        case 2 -> copy(1 + high, unsigned(2));
        default -> copy(1 + high, unsigned(4));
      }
    }
    if (out.hasRemaining()) {
      throw new IOException(
          "a Snappy stream claims %d bytes and has %d".formatted(length, out.position() - start));
    }
  }

  /** The length in front, seven bits a byte, the lowest first. */
  private long length() throws IOException {
    long length = 0;
    for (int shift = 0; shift < LENGTH_BITS; shift += 7) {
      byte bits = in.get();
      length |= (long) (bits & 0x7F) << shift;
      if (bits >= 0) {
        return length;
      }
    }
    throw new IOException("a Snappy stream does not begin with its length");
  }

  /** A little-endian number of one, two or four bytes; negative if it has four and is too large. */
  private int unsigned(int bytes) {
    int value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (in.get() & 0xFF) << (Byte.SIZE * i);
    }
    return value;
  }

  private void literal(int high) {
    long bytes =
        1
            + (high < LONGEST_SHORT_LITERAL
                ? high
                : Integer.toUnsignedLong(unsigned(high - LONGEST_SHORT_LITERAL + 1)));
    if (bytes > in.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer literal = in.slice(in.position(), (int) bytes);
    in.position(in.position() + (int) bytes);
    out.put(literal);
  }

  private void copy(int bytes, int offset) throws IOException {
    int from = out.position() - offset;
    if (offset <= 0 || from < start) {
      throw new IOException("a Snappy stream refers to what is before its beginning");
    }
    if (bytes > out.remaining()) {
      throw new BufferOverflowException();
    }
    for (int i = 0; i < bytes; i++) { // One by one: what is copied may have been written just now.
      out.put(out.get(from + i));
    }
  }
}
