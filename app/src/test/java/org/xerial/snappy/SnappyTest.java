package org.xerial.snappy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Streams put together after the description of the format. */
final class SnappyTest {
  private static String uncompress(String hex, int room) throws IOException {
    ByteBuffer out = ByteBuffer.allocateDirect(room + 3).position(3);
    int bytes = Snappy.uncompress(ByteBuffer.wrap(HexFormat.of().parseHex(hex)), out);
    assertThat(out.remaining()).isEqualTo(bytes);
    return StandardCharsets.US_ASCII.decode(out).toString();
  }

  @ParameterizedTest
  @CsvSource({
    "00, ''",
    "03 08 616263, abc",
    // Four bytes once more, from three bytes back: the copy overlaps itself.
    "07 08 616263 01 03, abcabca",
    "05 08 616263 06 0200, abcbc",
    "05 08 616263 07 02000000, abcbc",
    "03 F0 02 616263, abc",
    "03 F4 0200 616263, abc",
    "03 FC 02000000 616263, abc",
  })
  void readsEveryKindOfElement(String stream, String text) throws IOException {
    assertThat(uncompress(stream.replace(" ", ""), 20)).isEqualTo(text);
  }

  @Test
  void readsAReferenceFarBack() throws IOException {
    String text = "0123456789abcdef".repeat(20);
    String literal = HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    // 320 bytes, then five from 320 back: the offset's upper bits stand in the tag.
    assertThat(uncompress("C502" + "F43F01" + literal + "25" + "40", 400))
        .isEqualTo(text + "01234");
  }

  @ParameterizedTest
  @CsvSource({
    "'', cut short",
    "03 08 6162, cut short",
    "07 08 616263 01, cut short",
    "03 FC FFFFFFFF 616263, cut short",
    "80 80 80 80 80, does not begin with its length",
    "FF FF FF FF 0F 08 616263, claims 4294967295 bytes where there are 20",
    "15 08 616263, claims 21 bytes where there are 20",
    "04 08 616263, claims 4 bytes and has 3",
    "02 08 616263, longer than it claims",
    "04 08 616263 01 03, longer than it claims",
    "07 08 616263 01 04, before its beginning",
    "07 08 616263 01 00, before its beginning",
    "05 08 616263 07 FFFFFFFF, before its beginning",
  })
  void refusesADamagedStream(String stream, String message) {
    assertThatThrownBy(() -> uncompress(stream.replace(" ", ""), 20))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(message);
  }
}
