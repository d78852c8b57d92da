package org.freetransformer.corpus;

import java.io.EOFException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A walk over a structure of Thrift's compact protocol, in which Parquet keeps its metadata, before
 * the Parquet library reads it. In a field that it does not know, the library counts through a
 * collection of booleans without reading a byte, for hours if the collection claims so; here more
 * elements than bytes are an error. What else may be wrong is left for the library to tell.
 */
final class ThriftWalk {
  // Types of the compact protocol.
  private static final int TRUE = 1;
  private static final int FALSE = 2;
  private static final int BYTE = 3;
  private static final int I16 = 4;
  private static final int I32 = 5;
  private static final int I64 = 6;
  private static final int DOUBLE = 7;
  private static final int BINARY = 8;
  private static final int LIST = 9;
  private static final int SET = 10;
  private static final int MAP = 11;
  private static final int STRUCT = 12;

  private static final int MOST_NESTED = 100;
  private static final int COMPRESSED_SIZE = 3;

  private final ByteBuffer bytes;
  private final int size;
  private long booleans;
  private long number;

  private ThriftWalk(ByteBuffer bytes) {
    this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    this.size = bytes.remaining();
  }

  /**
   * What was found of a page's header.
   *
   * @param length of the header in bytes
   * @param pageSize bytes of the page that follows it
   */
  record PageHeader(int length, long pageSize) {}

  /**
   * Checks the structure at a buffer's position.
   *
   * @throws EOFException if a collection claims too much, or structures are nested too deeply
   */
  static void check(ByteBuffer bytes) throws EOFException {
    try {
      new ThriftWalk(bytes).struct(0, -1);
    } catch (BufferUnderflowException cut) {
      // The library says so in its own words.
    }
  }

  /**
   * Checks a page's header.
   *
   * @throws BufferUnderflowException if it ends beyond the buffer
   * @throws EOFException as {@link #check}
   */
  static PageHeader pageHeader(ByteBuffer bytes) throws EOFException {
    ThriftWalk walk = new ThriftWalk(bytes);
    walk.struct(0, COMPRESSED_SIZE);
    return new PageHeader(walk.bytes.position(), walk.number);
  }

  /** Notes the integer in the wanted field. */
  private void struct(int depth, int wanted) throws EOFException {
    int field = 0;
    for (byte header = bytes.get(); header != 0; header = bytes.get()) {
      int step = header >> 4 & 0xf;
      int type = header & 0xf;
      field = step == 0 ? (int) zigzag() : field + step;
      if (field == wanted && type == I32) {
        number = zigzag();
      } else {
        skip(type, depth);
      }
    }
  }

  private void skip(int type, int depth) throws EOFException {
    if (depth > MOST_NESTED) {
      throw new EOFException("its metadata is nested more than %d deep".formatted(MOST_NESTED));
    }
    switch (type) {
      case TRUE, FALSE -> {} // A field's value is its type; of elements the library reads nothing.
      case BYTE -> bytes.get();
      case I16, I32, I64 -> varint();
      case DOUBLE -> bytes.getLong();
      case BINARY -> skipBytes(varint());
      case LIST, SET -> {
        byte header = bytes.get();
        int few = header >> 4 & 0xf;
        list(few == 0xf ? (int) varint() : few, header & 0xf, depth);
      }
      case MAP -> {
        int count = (int) varint();
        byte types = count > 0 ? bytes.get() : 0;
        map(count, types >> 4 & 0xf, types & 0xf, depth);
      }
      case STRUCT -> struct(depth + 1, -1);
      default -> throw new BufferUnderflowException();
    }
  }

  private void list(int count, int type, int depth) throws EOFException {
    if (type == TRUE || type == FALSE) {
      booleans += Math.max(0, count);
      if (booleans > size) {
        throw new EOFException("its metadata claims more booleans than it has bytes");
      }
      return;
    }
    for (int i = 0; i < count; i++) {
      skip(type, depth + 1);
    }
  }

  private void map(int count, int keys, int values, int depth) throws EOFException {
    if ((keys == TRUE || keys == FALSE) && (values == TRUE || values == FALSE)) {
      list(count, keys, depth);
      return;
    }
    for (int i = 0; i < count; i++) {
      skip(keys, depth + 1);
      skip(values, depth + 1);
    }
  }

  private void skipBytes(long count) {
    if (count < 0 || count > bytes.remaining()) {
      throw new BufferUnderflowException();
    }
    bytes.position(bytes.position() + (int) count);
  }

  private long zigzag() {
    long value = varint();
    return value >>> 1 ^ -(value & 1);
  }

  private long varint() {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      byte part = bytes.get();
      value |= (part & 0x7fL) << shift;
      if (part >= 0) {
        return value;
      }
    }
    throw new BufferUnderflowException();
  }
}
