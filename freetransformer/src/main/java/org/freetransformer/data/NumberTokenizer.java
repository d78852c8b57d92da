package org.freetransformer.data;

import java.util.Arrays;
import java.util.stream.Collectors;

/** Tokens written as their numbers with spaces between, for data that stands for no text. */
public final class NumberTokenizer implements Tokenizer {

  private final int vocabSize;

  /** Tokens 0 to {@code vocabSize} − 1. */
  public NumberTokenizer(int vocabSize) {
    this.vocabSize = vocabSize;
  }

  @Override
  public int vocabSize() {
    return vocabSize;
  }

  @Override
  public int[] encode(String text) {
    return text.isBlank()
        ? new int[0]
        : Arrays.stream(text.strip().split("\\s+", -1)).mapToInt(this::parse).toArray();
  }

  private int parse(String word) {
    try {
      return Tokenizer.checkToken(Integer.parseInt(word), vocabSize);
    } catch (NumberFormatException notANumber) {
      throw new IllegalArgumentException(
          "'%s' is not a token; allowed are the numbers 0 to %d with spaces between"
              .formatted(word, vocabSize - 1),
          notANumber);
    }
  }

  @Override
  public String decode(int... tokens) {
    return Arrays.stream(tokens)
        .mapToObj(token -> Integer.toString(Tokenizer.checkToken(token, vocabSize)))
        .collect(Collectors.joining(" "));
  }

  @Override
  public int byteLength(int token) {
    Tokenizer.checkToken(token, vocabSize);
    return 0;
  }
}
