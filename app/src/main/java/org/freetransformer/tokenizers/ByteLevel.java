package org.freetransformer.tokenizers;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/**
 * How byte-level tokenizers, from GPT-2 on, look at text: cut into words by one pattern, and each
 * byte written as a printable character of its own.
 *
 * <p>Source: the published GPT-2 encoder; the same pattern and alphabet are the step "ByteLevel" of
 * the {@code tokenizer.json} format.
 */
final class ByteLevel {
  /** Contractions, words, numbers and signs, each with the space before it; and white space. */
  static final Pattern WORDS =
      Pattern.compile(
          "'(?:s|t|re|ve|m|ll|d)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);

  private static final char[] CHARACTERS = characters();

  private ByteLevel() {}

  /** The character of a byte. */
  static char character(byte value) {
    return CHARACTERS[Byte.toUnsignedInt(value)];
  }

  /** Text as the characters of its bytes. */
  static String characters(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    char[] characters = new char[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      characters[i] = character(bytes[i]);
    }
    return new String(characters);
  }

  /** Printable bytes of Latin-1 stand for themselves, the others for characters from 256 on. */
  private static char[] characters() {
    char[] characters = new char[256];
    char next = 256;
    for (char value = 0; value < 256; value++) {
      boolean printable =
          (value >= '!' && value <= '~')
              || (value >= 0xA1 && value <= 0xAC)
              || (value >= 0xAE && value <= 0xFF);
      characters[value] = printable ? value : next++;
    }
    return characters;
  }
}
