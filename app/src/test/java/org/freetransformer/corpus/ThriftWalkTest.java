package org.freetransformer.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
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
  void whatBreaksOffIsRefused() {
    // A text, a field's number and a structure that end too early, and a type that there is not.
    for (ByteBuffer cut :
        List.of(
            bytes(0x19, 0x38, 5, 'a'), bytes(0x18, 0xff, 0xff, 0xff, 0x7f), bytes(0x05), bytes())) {
      assertThatThrownBy(() -> ThriftWalk.check(cut))
          .isInstanceOf(EOFException.class)
          .hasMessage("its metadata breaks off");
    }
    assertThatThrownBy(() -> ThriftWalk.check(bytes(0x1f, STOP)))
        .isInstanceOf(EOFException.class)
        .hasMessage("its metadata has a field of unknown type 15");
  }

  @Test
  void aPageHeaderTellsItsLengthAndWhatThePageHolds() throws Exception {
    // Type 0, uncompressed 100, compressed 40, then a data page's structure: 300 values, and more.
    ByteBuffer header =
        bytes(0x15, 0, 0x15, 0xc8, 1, 0x15, 80, 0x2c, 0x15, 0xd8, 4, 0x25, 6, STOP, STOP, 99, 99);
    assertThat(ThriftWalk.pageHeader(header))
        .isEqualTo(new ThriftWalk.PageHeader(15, 40, 100, 300, 0));
    ByteBuffer dictionary = bytes(0x75, 2, 0x0c, 0x0e, 0x15, 14, STOP, STOP);
    assertThat(ThriftWalk.pageHeader(dictionary).entries()).isEqualTo(7);
    assertThatThrownBy(() -> ThriftWalk.pageHeader(bytes(0x15, 0, 0x15)))
        .isInstanceOf(BufferUnderflowException.class);
  }

  @Test
  void anIndexTellsWhereItsPagesAre() throws Exception {
    // Two locations: offset 4, size 40, first row 0; offset 300, size 5, first row 2.
    ByteBuffer index =
        bytes(
            0x19, 0x2c, 0x16, 8, 0x15, 80, 0x16, 0, STOP, 0x16, 0xd8, 4, 0x15, 10, 0x16, 4, STOP,
            STOP);
    assertThat(ThriftWalk.pageOffsets(index)).containsExactly(4L, 300L);
    assertThatThrownBy(() -> ThriftWalk.pageOffsets(bytes(0x19, 0xf1, 0xff, 0xff, 0x07, STOP)))
        .isInstanceOf(EOFException.class);
  }
}
