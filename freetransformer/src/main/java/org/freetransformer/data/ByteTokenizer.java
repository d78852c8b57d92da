package org.freetransformer.data;

import java.nio.charset.StandardCharsets;

/** One token per byte of UTF-8; bytes that are not UTF-8 decode to U+FFFD. */
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
  public int[] encode(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return tokens;
  }

  @Override
  public String decode(int... tokens) {
    byte[] bytes = new byte[tokens.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Tokenizer.checkToken(tokens[i], VOCAB_SIZE);
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public int byteLength(int token) {
    Tokenizer.checkToken(token, VOCAB_SIZE);
    return 1;
  }
}
