package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class LetterRunsTest {

  private static final int K = 'K' - 'A';

  private static int[] clean(int start) {
    int[] characters = new int[64];
    Arrays.fill(characters, LetterAlphabet.FILLER);
    Arrays.fill(characters, start, start + 8, K);
    return characters;
  }

  @Test
  void findsEveryStartOfCleanSequences() {
    for (int start = 0; start < PlanLetters.STARTS; start++) {
      assertThat(LetterRuns.find(K, clean(start))).contains(new LetterRuns.Run(start, 0));
    }
  }

  @Test
  void seesThroughNoiseAndFaults() {
    int[] characters = clean(20);
    characters[22] = LetterAlphabet.NOISE;
    characters[40] = LetterAlphabet.NOISE;
    characters[23] = 3;
    assertThat(LetterRuns.find(K, characters)).contains(new LetterRuns.Run(20, 1));
    assertThat(LetterRuns.invalid(K, characters)).isEqualTo(1);
    assertThat(LetterRuns.logLikelihood(K, characters)).isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @Test
  void takesTheMiddleOfStartsThatFitEquallyWell() {
    int[] characters = clean(20);
    characters[20] = LetterAlphabet.NOISE;
    characters[27] = LetterAlphabet.NOISE;
    characters[19] = LetterAlphabet.NOISE;
    characters[28] = LetterAlphabet.NOISE;
    assertThat(LetterRuns.find(K, characters)).contains(new LetterRuns.Run(20, 0));
    assertThat(LetterRuns.fittingStarts(K, characters)).isEqualTo(3);
  }

  @Test
  void findsNothingWithoutTheLetter() {
    int[] characters = clean(5);
    Arrays.fill(characters, 5, 13, LetterAlphabet.NOISE);
    assertThat(LetterRuns.find(K, characters)).isEmpty();
  }

  @Test
  void weighsNoiseAndStarts() {
    assertThat(LetterRuns.logLikelihood(K, clean(3)))
        .isCloseTo(64 * Math.log(15.0 / 16) - Math.log(57), within(1e-12));
  }

  @Test
  void refusesWhatIsNoSequence() {
    assertThatThrownBy(() -> LetterRuns.find(K, 1, 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("3 characters are given; a plan-letters sequence has 64 after its prompt");
    assertThatThrownBy(() -> LetterRuns.invalid(26, clean(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not a letter");
  }
}
