package org.freetransformer.data;

import java.util.OptionalInt;

/** Turns text into tokens and back. */
public interface Tokenizer {

  /** Number of different tokens V. */
  int vocabSize();

  /**
   * The tokens of a text.
   *
   * @throws IllegalArgumentException naming the first piece of text that has no token, its place,
   *     and what is allowed
   */
  int[] encode(String text);

  /**
   * The text of tokens.
   *
   * @throws IllegalArgumentException if a token is not in 0 to V − 1
   */
  String decode(int... tokens);

  /**
   * Bytes of UTF-8 text that a token stands for, which makes losses per token comparable between
   * tokenizers; 0 for a token that stands for no text.
   *
   * @throws IllegalArgumentException if the token is not in 0 to V − 1
   */
  int byteLength(int token);

  /** The token that stands between documents, if there is one. */
  default OptionalInt endOfText() {
    return OptionalInt.empty();
  }

  /**
   * The tokenizer that a configuration's data is made of.
   *
   * @throws IllegalArgumentException if its file is missing or damaged
   */
  static Tokenizer of(DataConfig config) {
    return switch (config.source()) {
      case PLAN_LETTERS -> new LetterAlphabet();
      case SYNTHETIC -> new NumberTokenizer(config.syntheticVocabSize());
      default -> TokenizerFormat.byName(config.text().tokenizer());
    };
  }

  /** Checks that a token is in 0 to {@code vocabSize} − 1. */
  static int checkToken(int token, int vocabSize) {
    if (token < 0 || token >= vocabSize) {
      throw new IllegalArgumentException(
          "token %d is out of range; allowed are 0 to %d; nearest is %d"
              .formatted(token, vocabSize - 1, Math.clamp(token, 0, vocabSize - 1)));
    }
    return token;
  }
}
