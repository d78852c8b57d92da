package org.freetransformer.data;

import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/**
 * One token per byte of UTF-8; bytes that are not UTF-8 decode to U+FFFD. Byte 0, which no text
 * holds, stands between documents.
 */
public final class ByteTokenizer implements Tokenizer {

  /** Number of different bytes. */
  public static final int VOCAB_SIZE = 256;

  /** The one there is: it holds nothing. */
  public ByteTokenizer() {}

  @Override
  public int vocabSize() {
    return VOCAB_SIZE;
  }

  @Override
  public OptionalInt endOfText() {
    return OptionalInt.of(0);
  }

  @Override
  public int[] encode(String text) {
    return encode(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The tokens of bytes, text or not. */
  public int[] encode(byte[] bytes) {
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return tokens;
  }

  @Override
  public String decode(int... tokens) {
    return new String(decodeBytes(tokens), StandardCharsets.UTF_8);
  }

  /**
   * The bytes of tokens, exactly.
   *
   * @throws IllegalArgumentException if a token is not in 0 to 255
   */
  public byte[] decodeBytes(int... tokens) {
    byte[] bytes = new byte[tokens.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Tokenizer.checkToken(tokens[i], VOCAB_SIZE);
    }
    return bytes;
  }

  @Override
  public int byteLength(int token) {
    return Tokenizer.checkToken(token, VOCAB_SIZE) == 0 ? 0 : 1;
  }
}
