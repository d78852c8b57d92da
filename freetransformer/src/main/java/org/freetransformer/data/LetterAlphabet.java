package org.freetransformer.data;

import java.text.Normalizer;
import java.util.Locale;
import java.util.Optional;

/** The 29 symbols of the paper's synthetic task: A to Z, {@code _}, {@code !} and {@code >}. */
public final class LetterAlphabet implements Tokenizer {

  /** Number of symbols. */
  public static final int VOCAB_SIZE = 29;

  /** Number of letters; letter i has token i. */
  public static final int LETTERS = 26;

  /** Token of the filler {@code _}. */
  public static final int FILLER = 26;

  /** Token of the noise {@code !}. */
  public static final int NOISE = 27;

  /** Token of the prompt's end {@code >}. */
  public static final int PROMPT_END = 28;

  private static final String SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_!>";

  /** The one there is: it holds nothing. */
  public LetterAlphabet() {}

  @Override
  public int vocabSize() {
    return VOCAB_SIZE;
  }

  @Override
  public int[] encode(String text) {
    int[] codePoints = text.codePoints().toArray();
    int[] tokens = new int[codePoints.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = SYMBOLS.indexOf(codePoints[i]);
      if (tokens[i] < 0) {
        throw unknown(codePoints[i], i, text);
      }
    }
    return tokens;
  }

  @Override
  public String decode(int... tokens) {
    StringBuilder text = new StringBuilder(tokens.length);
    for (int token : tokens) {
      text.append(SYMBOLS.charAt(Tokenizer.checkToken(token, VOCAB_SIZE)));
    }
    return text.toString();
  }

  private static IllegalArgumentException unknown(int codePoint, int place, String text) {
    String near = nearest(codePoint).map(symbol -> "; nearest is " + symbol).orElse("");
    String shown =
        Character.isISOControl(codePoint)
            ? "U+%04X".formatted(codePoint)
            : "'" + Character.toString(codePoint) + "'";
    String where =
        text.length() <= 80 && text.codePoints().noneMatch(Character::isISOControl)
            ? " of '" + text + "'"
            : "";
    return new IllegalArgumentException(
        "%s at place %d%s is not in the alphabet; allowed are A to Z, _, ! and >%s"
            .formatted(shown, place + 1, where, near));
  }

  /** The letter without its case and accents; the filler for blanks and dashes. */
  private static Optional<String> nearest(int codePoint) {
    if (Character.isWhitespace(codePoint)
        || Character.getType(codePoint) == Character.DASH_PUNCTUATION) {
      return Optional.of("_");
    }
    String upper = Character.toString(codePoint).toUpperCase(Locale.ROOT);
    String plain = Normalizer.normalize(upper, Normalizer.Form.NFKD).substring(0, 1);
    return SYMBOLS.contains(plain) ? Optional.of(plain) : Optional.empty();
  }

  @Override
  public int byteLength(int token) {
    Tokenizer.checkToken(token, VOCAB_SIZE);
    return 1;
  }
}
