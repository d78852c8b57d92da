package org.freetransformer.generate;

import java.util.Arrays;
import org.freetransformer.data.Tokenizer;

/**
 * The text of a sample while its tokens come, up to a stop string. {@link #take} streams it ({@link
 * TextGenerator} does, for all samples). For one sample, and one thread at a time:
 *
 * <pre>{@code
 * SampleText text = new SampleText(tokenizer, new StopStrings(List.of("\n\n")));
 * generator.generate(
 *     request,
 *     token -> {
 *       boolean goesOn = request.stopTokens().contains(token.id()) || text.add(token.id());
 *       System.out.print(text.take());
 *       return goesOn;
 *     });
 * text.finish();
 * System.out.print(text.take());
 * }</pre>
 *
 * <p>A token is decoded after those that gave the last piece of text, because a decoder may put, or
 * leave out, a space before it. Source: how vLLM and Hugging Face's text-generation-inference
 * stream.
 */
public final class SampleText {
  /** What decoders give for half a character. */
  private static final String HALF = "\uFFFD";

  /** Tokens, for each stands for a byte at least. */
  private static final int LONGEST_CHARACTER = 4;

  private final Tokenizer tokenizer;
  private final StopStrings stops;
  private final StringBuilder text = new StringBuilder();
  private int taken;
  private boolean stopped;
  private boolean finished;

  /** Those that gave the last piece of text, then those that gave none yet. */
  private int[] window = {};

  /** Text of the former. */
  private String known = "";

  /** How many they are. */
  private int read;

  /** A text without tokens. */
  public SampleText(Tokenizer tokenizer, StopStrings stops) {
    this.tokenizer = tokenizer;
    this.stops = stops;
  }

  /**
   * Takes the next token, one that stands for text: not a stop token. Once stopped, nothing is
   * added.
   *
   * @return whether the text goes on: false from the stop string's last token on
   * @throws IllegalArgumentException if the tokenizer does not know the token
   */
  public boolean add(int token) {
    if (stopped) {
      return false;
    }
    window = Arrays.copyOf(window, window.length + 1);
    window[window.length - 1] = token;
    String more = unread();
    if (!more.isEmpty() && !more.endsWith(HALF)) {
      window = Arrays.copyOfRange(window, read, window.length);
      read = window.length;
      known = tokenizer.decode(window);
      append(more);
    } else if (more.endsWith(HALF) && window.length - read > LONGEST_CHARACTER) {
      appendAllButTheLast(more);
    }
    return !stopped;
  }

  /**
   * Appends what will not change, whatever comes: of so many tokens that end with half a character,
   * those before it stand for broken ones, or for U+FFFD itself.
   */
  private void appendAllButTheLast(String more) {
    window = Arrays.copyOfRange(window, window.length - LONGEST_CHARACTER, window.length);
    read = 0;
    known = withoutHalf(tokenizer.decode(window));
    append(withoutHalf(more));
  }

  private static String withoutHalf(String decoded) {
    return decoded.substring(0, Math.max(0, decoded.length() - HALF.length()));
  }

  private String unread() {
    String all = tokenizer.decode(window);
    return all.substring(Math.min(known.length(), all.length()));
  }

  private void append(String more) {
    int searched = text.length();
    text.append(more);
    int begin = stops.begin(text, searched);
    if (begin >= 0) {
      text.setLength(begin);
      stopped = true;
    }
  }

  /**
   * Ends the text: no more tokens come. What is held back belongs to it then, as does U+FFFD for
   * half a character.
   */
  public void finish() {
    if (!finished && !stopped) {
      append(unread());
    }
    finished = true;
  }

  /** Whether a stop string ended the text, which is without it. */
  public boolean isStopped() {
    return stopped;
  }

  /** All of the text until now, with what {@link #take} holds back. */
  public String text() {
    return text.toString();
  }

  /**
   * What has come since the last call, held back from where a stop string may have begun: so
   * nothing is taken that does not belong to the text.
   */
  public String take() {
    int end = text.length() - (stopped || finished ? 0 : stops.heldBack(text));
    String more = text.substring(taken, end);
    taken = end;
    return more;
  }
}
