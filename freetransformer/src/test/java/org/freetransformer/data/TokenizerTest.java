package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TokenizerTest {

  @Test
  void lettersSurviveARoundTrip() {
    LetterAlphabet alphabet = new LetterAlphabet();
    String all = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_!>";
    assertThat(alphabet.encode(all)).hasSize(alphabet.vocabSize()).containsSequence(25, 26, 27, 28);
    assertThat(alphabet.decode(alphabet.encode(all))).isEqualTo(all);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "K>__k | 'k' at place 5 of 'K>__k'  | ; nearest is K",
        "É>    | 'É' at place 1 of 'É>'     | ; nearest is E",
        "A>-   | '-' at place 3 of 'A>-'    | ; nearest is _",
        "A 7   | ' ' at place 2 of 'A 7'    | ; nearest is _",
        "7     | '7' at place 1 of '7'      | allowed are A to Z, _, ! and >",
        "A😀   | '😀' at place 2 of 'A😀'   | allowed are A to Z, _, ! and >",
      })
  void namesALetterThatIsUnknown(String text, String where, String end) {
    assertThatThrownBy(() -> new LetterAlphabet().encode(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(where + " is not in the alphabet; allowed are A to Z, _, ! and >")
        .hasMessageEndingWith(end);
  }

  @Test
  void keepsErrorsOnOneLine() {
    assertThatThrownBy(() -> new LetterAlphabet().encode("K>\n"))
        .hasMessage(
            "U+000A at place 3 is not in the alphabet; allowed are A to Z, _, ! and >; nearest is"
                + " _");
  }

  @Test
  void bytesSurviveARoundTrip() {
    ByteTokenizer bytes = new ByteTokenizer();
    String text = "naïve λ 😀\n";
    assertThat(bytes.decode(bytes.encode(text))).isEqualTo(text);
    assertThat(bytes.encode("é")).containsExactly(0xC3, 0xA9);
  }

  @Test
  void numbersSurviveARoundTrip() {
    NumberTokenizer numbers = new NumberTokenizer(100);
    assertThat(numbers.decode(numbers.encode(" 0 99\n7 "))).isEqualTo("0 99 7");
    assertThat(numbers.encode(" ")).isEmpty();
    assertThatThrownBy(() -> numbers.encode("1 x"))
        .hasMessage("'x' is not a token; allowed are the numbers 0 to 99 with spaces between");
    assertThatThrownBy(() -> numbers.encode("100"))
        .hasMessage("token 100 is out of range; allowed are 0 to 99; nearest is 99");
  }

  @Test
  void refusesTokensOutOfRange() {
    assertThatThrownBy(() -> new LetterAlphabet().decode(29)).hasMessageContaining("0 to 28");
    assertThatThrownBy(() -> new ByteTokenizer().decode(-1)).hasMessageContaining("0 to 255");
  }
}
