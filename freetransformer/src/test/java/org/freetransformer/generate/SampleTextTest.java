package org.freetransformer.generate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.freetransformer.data.ByteTokenizer;
import org.freetransformer.data.NumberTokenizer;
import org.freetransformer.data.Tokenizer;
import org.junit.jupiter.api.Test;

final class SampleTextTest {
  /** Tokens that are pieces of UTF-8 text, at least a byte each. */
  private record Pieces(List<byte[]> pieces) implements Tokenizer {
    static Pieces of(String... pieces) {
      return new Pieces(Arrays.stream(pieces).map(piece -> piece.getBytes(UTF_8)).toList());
    }

    @Override
    public int vocabSize() {
      return pieces.size();
    }

    @Override
    public int[] encode(String text) {
      throw new UnsupportedOperationException();
    }

    @Override
    public String decode(int... tokens) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (int token : tokens) {
        bytes.writeBytes(pieces.get(token));
      }
      return bytes.toString(UTF_8);
    }

    @Override
    public int byteLength(int token) {
      return pieces.get(token).length;
    }
  }

  /** What is taken after each piece, and last what is left at the end. */
  private static List<String> taken(List<String> stops, String... pieces) {
    SampleText text = new SampleText(Pieces.of(pieces), new StopStrings(stops));
    List<String> taken = new ArrayList<>();
    for (int i = 0; i < pieces.length && text.add(i); i++) {
      taken.add(text.take());
    }
    text.finish();
    taken.add(text.take());
    assertThat(String.join("", taken)).isEqualTo(text.text());
    return taken;
  }

  @Test
  void aStopStringSpansTokensAndLiesWithinOne() {
    List<String> stops = List.of("END");
    assertThat(taken(stops, "one E", "N", "D two", " three")).containsExactly("one ", "", "");
    assertThat(taken(stops, "one ", "two END three", "four")).containsExactly("one ", "two ");
    assertThat(taken(stops, "END")).containsExactly("");
  }

  @Test
  void whatCouldBeginAStopStringIsHeldBackUntilItDoesNot() {
    List<String> stops = List.of("\n\nQ:", "<end>");
    assertThat(taken(stops, "a\n", "\n", "b", "<e", "n", "<end", "\n"))
        .containsExactly("a", "", "\n\nb", "", "", "<en", "<end", "\n");
    assertThat(taken(stops, "a\n", "\n", "\n", "Q", ":")).containsExactly("a", "", "\n", "", "");
    assertThat(taken(List.of("aab"), "a", "a", "a", "b")).containsExactly("", "", "a", "");
  }

  @Test
  void theFirstCompleteStringEndsTheTextWhateverItsPieces() {
    List<String> stops = List.of("abcd", "bc", "c");
    assertThat(taken(stops, "xabcd")).containsExactly("xa");
    assertThat(taken(stops, "x", "a", "b", "c", "d")).containsExactly("x", "", "", "a");
  }

  @Test
  void halvesOfCharactersWaitForTheRest() {
    byte[] dash = "—".getBytes(UTF_8);
    SampleText text = new SampleText(new ByteTokenizer(), new StopStrings(List.of("—b")));
    List<String> taken = new ArrayList<>();
    for (byte one : "a—c—b".getBytes(UTF_8)) {
      text.add(Byte.toUnsignedInt(one));
      taken.add(text.take());
    }
    assertThat(taken).containsExactly("a", "", "", "", "—c", "", "", "", "");
    assertThat(text.isStopped()).isTrue();
    assertThat(text.text()).isEqualTo("a—c");
    SampleText half = new SampleText(new ByteTokenizer(), new StopStrings(List.of()));
    half.add(Byte.toUnsignedInt(dash[0]));
    assertThat(half.take()).isEmpty();
    half.finish();
    assertThat(half.take()).isEqualTo("\uFFFD");
    half.finish();
    assertThat(half.text()).isEqualTo("\uFFFD");
  }

  /** As an untrained model of bytes writes it. */
  @Test
  void brokenBytesAreStreamedToo() {
    int[] longest = {0};
    Tokenizer bytes = new ByteTokenizer();
    Tokenizer watched =
        new Tokenizer() {
          @Override
          public int vocabSize() {
            return bytes.vocabSize();
          }

          @Override
          public int[] encode(String text) {
            return bytes.encode(text);
          }

          @Override
          public String decode(int... tokens) {
            longest[0] = Math.max(longest[0], tokens.length);
            return bytes.decode(tokens);
          }

          @Override
          public int byteLength(int token) {
            return bytes.byteLength(token);
          }
        };
    int[][] alphabets = {
      {0xFF},
      bytes.encode("\uFFFD"),
      bytes.encode("—a\uD83C\uDF33\uFFFD"),
      {0xE2, 0x80, 0x94, 0xF0, 'b'}
    };
    Random random = new Random(7);
    for (int[] alphabet : alphabets) {
      SampleText text = new SampleText(watched, new StopStrings(List.of()));
      int[] tokens = new int[500];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] =
            alphabet.length < 4
                ? alphabet[i % alphabet.length]
                : alphabet[random.nextInt(alphabet.length)];
        text.add(tokens[i]);
        if (i >= 20) {
          String behind = bytes.decode(Arrays.copyOf(tokens, i - 10));
          assertThat(text.text()).startsWith(behind.substring(0, behind.length() - 1));
        }
      }
      text.finish();
      assertThat(text.text()).isEqualTo(bytes.decode(tokens));
    }
    assertThat(longest[0]).isLessThan(15);
  }

  /** A stop string before half a character that never gets its rest. */
  @Test
  void theEndOfTheTextIsSearchedToo() {
    byte[] piece = Arrays.copyOf("END—".getBytes(UTF_8), 4);
    SampleText text = new SampleText(new Pieces(List.of(piece)), new StopStrings(List.of("END")));
    assertThat(text.add(0)).isTrue();
    text.finish();
    assertThat(text.isStopped()).isTrue();
    assertThat(text.text()).isEmpty();
  }

  @Test
  void spacesThatADecoderPutsBetweenTokensAreKept() {
    SampleText text = new SampleText(new NumberTokenizer(100), new StopStrings(List.of("7 8")));
    List<Boolean> goesOn = new ArrayList<>();
    for (int token : new int[] {5, 6, 17, 9, 7, 8, 4}) {
      goesOn.add(text.add(token));
    }
    assertThat(goesOn).containsExactly(true, true, true, true, true, false, false);
    assertThat(text.text()).isEqualTo("5 6 17 9 ");
  }

  /** Beside a reading of one character at a time that looks at the whole text each time. */
  @Test
  void randomPiecesGiveWhatCharactersGive() {
    Random random = new Random(5);
    for (int i = 0; i < 2000; i++) {
      List<String> stops = new ArrayList<>();
      for (int s = random.nextInt(3); s >= 0; s--) {
        stops.add(letters(random, 1 + random.nextInt(4)));
      }
      String whole = letters(random, random.nextInt(20));
      List<String> pieces = new ArrayList<>();
      for (int at = 0; at < whole.length(); ) {
        int end = Math.min(whole.length(), at + 1 + random.nextInt(4));
        pieces.add(whole.substring(at, end));
        at = end;
      }
      assertThat(String.join("", taken(stops, pieces.toArray(String[]::new))))
          .as("%s until %s", pieces, stops)
          .isEqualTo(cut(whole, stops));
    }
  }

  private static String cut(String whole, List<String> stops) {
    for (int end = 1; end <= whole.length(); end++) {
      String read = whole.substring(0, end);
      int longest = stops.stream().filter(read::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return read.substring(0, end - longest);
      }
    }
    return whole;
  }

  private static String letters(Random random, int length) {
    return random
        .ints(length, 'a', 'd')
        .mapToObj(Character::toString)
        .collect(Collectors.joining());
  }

  @Test
  void anEmptyStopStringIsRefused() {
    assertThatThrownBy(() -> new StopStrings(List.of("a", "")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("stop: an empty stop string: allowed are strings of 1 character or more");
  }
}
