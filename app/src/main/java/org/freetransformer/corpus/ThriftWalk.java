package org.freetransformer.corpus;

import java.io.EOFException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A walk over a structure of Thrift's compact protocol, in which Parquet keeps its metadata, before
 * the Parquet library reads it. In a field that it does not know, the library counts through a
 * collection of booleans without reading a byte, for hours if the collection claims so; here more
 * elements than bytes are an error. It also makes room for a text of whatever length before it
 * looks whether there is so much; here a structure that breaks off is an error.
 */
final class ThriftWalk {
  // Types of the compact protocol; a structure ends with a field of none.
  private static final int STOP = 0;
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

  // Fields of Parquet's PageHeader and PageLocation.
  private static final int WHOLE_SIZE = 2;
  private static final int SIZE = 3;
  private static final int DATA_PAGE = 5;
  private static final int DICTIONARY_PAGE = 7;
  private static final int DATA_PAGE_V2 = 8;
  private static final int VALUES = 1;
  private static final int LOCATIONS = 1;
  private static final int OFFSET = 1;

  private final ByteBuffer bytes;
  private final int size;
  private long booleans;

  private ThriftWalk(ByteBuffer bytes) {
    this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    this.size = bytes.remaining();
  }

  /**
   * What a page's header says.
   *
   * @param length of the header in bytes
   * @param size bytes of the page that follows it
   * @param wholeSize bytes of the page when it is decompressed
   * @param values how many it holds, nulls included
   * @param entries how many it holds if it is a dictionary
   */
  record PageHeader(int length, long size, long wholeSize, long values, long entries) {}

  private record Field(int id, int type) {
    boolean is(int wantedId, int wantedType) {
      return id == wantedId && type == wantedType;
    }
  }

  /**
   * Checks the structure at a buffer's position.
   *
   * @throws EOFException if it breaks off, a collection claims too much, or structures are nested
   *     too deeply
   */
  static void check(ByteBuffer bytes) throws EOFException {
    try {
      new ThriftWalk(bytes).struct(0);
    } catch (BufferUnderflowException cut) {
      throw brokenOff(cut);
    }
  }

  static EOFException brokenOff(BufferUnderflowException cut) {
    EOFException error = new EOFException("its metadata breaks off");
    error.initCause(cut);
    return error;
  }

  /**
   * Checks a page's header.
   *
   * @throws BufferUnderflowException if it ends beyond the buffer
   * @throws EOFException as {@link #check}
   */
  static PageHeader pageHeader(ByteBuffer bytes) throws EOFException {
    ThriftWalk walk = new ThriftWalk(bytes);
    long size = 0;
    long wholeSize = 0;
    long values = 0;
    long entries = 0;
    for (Field field = walk.first(); field.type != STOP; field = walk.after(field)) {
      if (field.is(WHOLE_SIZE, I32)) {
        wholeSize = walk.zigzag();
      } else if (field.is(SIZE, I32)) {
        size = walk.zigzag();
      } else if (field.is(DICTIONARY_PAGE, STRUCT)) {
        entries = walk.integer(VALUES, I32);
      } else if (field.is(DATA_PAGE, STRUCT) || field.is(DATA_PAGE_V2, STRUCT)) {
        values = walk.integer(VALUES, I32);
      } else {
        walk.skip(field.type, 0);
      }
    }
    return new PageHeader(walk.bytes.position(), size, wholeSize, values, entries);
  }

  /**
   * Checks a column's index of pages, and tells where in the file they are said to be.
   *
   * @throws EOFException as {@link #check}
   */
  static List<Long> pageOffsets(ByteBuffer bytes) throws EOFException {
    ThriftWalk walk = new ThriftWalk(bytes);
    List<Long> offsets = new ArrayList<>();
    try {
      for (Field field = walk.first(); field.type != STOP; field = walk.after(field)) {
        if (field.is(LOCATIONS, LIST)) {
          walk.locations(offsets);
        } else {
          walk.skip(field.type, 0);
        }
      }
    } catch (BufferUnderflowException cut) {
      throw brokenOff(cut);
    }
    return offsets;
  }

  private void locations(List<Long> offsets) throws EOFException {
    byte header = bytes.get();
    int count = count(header);
    int type = header & 0xf;
    if (type != STRUCT) {
      list(count, type, 0);
      return;
    }
    for (int i = 0; i < count; i++) {
      offsets.add(integer(OFFSET, I64));
    }
  }

  /** Reads a structure of which one integer is wanted; 0 if it has none. */
  private long integer(int id, int type) throws EOFException {
    long value = 0;
    for (Field field = first(); field.type != STOP; field = after(field)) {
      if (field.is(id, type)) {
        value = zigzag();
      } else {
        skip(field.type, 1);
      }
    }
    return value;
  }

  private void struct(int depth) throws EOFException {
    for (Field field = first(); field.type != STOP; field = after(field)) {
      skip(field.type, depth);
    }
  }

  private Field first() {
    return after(new Field(0, STOP));
  }

  private Field after(Field before) {
    byte header = bytes.get();
    if (header == STOP) {
      return new Field(0, STOP);
    }
    int step = header >> 4 & 0xf;
    int id = step == 0 ? (int) zigzag() : before.id + step;
    return new Field((short) id, header & 0xf);
  }

  /** A list's length, which follows the header if it is too great to stand in it. */
  private int count(byte header) {
    int few = header >> 4 & 0xf;
    return few == 0xf ? (int) varint() : few;
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
        list(count(header), header & 0xf, depth);
      }
      case MAP -> {
        int count = (int) varint();
        byte types = count > 0 ? bytes.get() : 0;
        map(count, types >> 4 & 0xf, types & 0xf, depth);
      }
      case STRUCT -> struct(depth + 1);
      default -> throw new EOFException("its metadata has a field of unknown type " + type);
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
