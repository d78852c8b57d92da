package org.freetransformer.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Structures of Thrift's compact protocol, written byte by byte. */
class ThriftWalkTest {
  private static final int STOP = 0;

  private static ByteBuffer bytes(int... values) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int value : values) {
      all.write(value);
    }
    return ByteBuffer.wrap(all.toByteArray());
  }

  @Test
  void collectionsThatFitAreWalkedThrough() {
    // Field 1: list of 3 booleans; 2: list of 20 bytes, counted by a varint; 3: map of 1 i32 to
    // text.
    ByteBuffer good =
        bytes(
            0x19, 0x31, 0x19, 0xf3, 20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
            17, 18, 19, 0x1b, 1, 0x58, 7, 2, 'o', 'k', STOP);
    assertThatCode(() -> ThriftWalk.check(good)).doesNotThrowAnyException();
  }

  @Test
  void moreBooleansThanBytesAreRefused() {
    ByteBuffer list = bytes(0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07, STOP);
    assertThatThrownBy(() -> ThriftWalk.check(list))
        .isInstanceOf(EOFException.class)
        .hasMessageContaining("more booleans than it has bytes");
    ByteBuffer map = bytes(0x1b, 0xff, 0xff, 0xff, 0x07, 0x21, STOP);
    assertThatThrownBy(() -> ThriftWalk.check(map)).isInstanceOf(EOFException.class);
    // Each list fits by itself: together they claim 3 × 14 in 9 bytes.
    ByteBuffer many = bytes(0x19, 0xe2, 0x19, 0xe2, 0x19, 0xe2, STOP, 0, 0);
    assertThatThrownBy(() -> ThriftWalk.check(many)).isInstanceOf(EOFException.class);
    ByteBuffer nested = bytes(0x19, 0x39, 0xe1, 0xe1, 0xe1, STOP);
    assertThatThrownBy(() -> ThriftWalk.check(nested)).isInstanceOf(EOFException.class);
  }

  @Test
  void deepNestingIsRefused() {
    int[] structs = new int[200];
    Arrays.fill(structs, 0x1c);
    assertThatThrownBy(() -> ThriftWalk.check(bytes(structs)))
        .isInstanceOf(EOFException.class)
        .hasMessageContaining("nested");
  }

  @Test
  void whatEndsTooEarlyIsLeftToTheLibrary() {
    assertThatCode(() -> ThriftWalk.check(bytes(0x19, 0x38, 5, 'a'))).doesNotThrowAnyException();
    assertThatCode(() -> ThriftWalk.check(bytes(0x1f, STOP))).doesNotThrowAnyException();
    assertThatCode(() -> ThriftWalk.check(bytes())).doesNotThrowAnyException();
  }

  @Test
  void aPageHeaderTellsItsLengthAndThePagesSize() throws Exception {
    // Type 0, uncompressed 100, compressed 40, then a structure of its own with a field 3.
    ByteBuffer header = bytes(0x15, 0, 0x15, 0xc8, 1, 0x15, 80, 0x2c, 0x35, 6, STOP, STOP, 99, 99);
    assertThat(ThriftWalk.pageHeader(header)).isEqualTo(new ThriftWalk.PageHeader(12, 40));
    assertThatThrownBy(() -> ThriftWalk.pageHeader(bytes(0x15, 0, 0x15)))
        .isInstanceOf(BufferUnderflowException.class);
  }
}
