package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class PlanLettersTest {

  private static final int DRAWS = 57_000;

  private final PlanLetters data = new PlanLetters(42, 5000);

  @Test
  void shiftsTheSequenceAndIgnoresThePromptsEnd() {
    int[] sequence = data.sequence(Split.TRAIN, 7);
    int[] tokens = new int[3 * 65];
    int[] targets = new int[3 * 65];
    data.read(Split.TRAIN, 7, tokens, targets, 65);
    assertThat(sequence).hasSize(66);
    assertThat(Arrays.copyOfRange(tokens, 65, 130)).isEqualTo(Arrays.copyOf(sequence, 65));
    assertThat(targets[65]).isEqualTo(Batch.IGNORE);
    assertThat(Arrays.copyOfRange(targets, 66, 130)).isEqualTo(Arrays.copyOfRange(sequence, 2, 66));
    assertThat(tokens[64]).isZero();
    assertThat(tokens[130]).isZero();
  }

  @Test
  void isAlwaysPossibleUnderTheSource() {
    for (int i = 0; i < 2000; i++) {
      int[] sequence = data.sequence(Split.VALIDATION, i);
      assertThat(sequence[1]).isEqualTo(LetterAlphabet.PROMPT_END);
      assertThat(LetterRuns.logLikelihood(sequence[0], Arrays.copyOfRange(sequence, 2, 66)))
          .isFinite();
    }
  }

  @Test
  void drawsLettersStartsAndNoiseEvenly() {
    int[] letters = new int[26];
    int[] starts = new int[57];
    int[] noise = new int[64];
    for (int i = 0; i < DRAWS; i++) {
      int[] sequence = data.sequence(Split.TRAIN, i);
      int[] characters = Arrays.copyOfRange(sequence, 2, 66);
      letters[sequence[0]]++;
      LetterRuns.find(sequence[0], characters).ifPresent(run -> starts[run.start()]++);
      for (int place = 0; place < 64; place++) {
        noise[place] += characters[place] == LetterAlphabet.NOISE ? 1 : 0;
      }
    }
    assertEven(letters, DRAWS / 26.0, 5);
    // Seen through noise, a start is now and then off by one, most at the ends: allow for it.
    assertEven(starts, DRAWS / 57.0, 6);
    assertEven(noise, DRAWS / 16.0, 5);
  }

  /** All counts within some standard deviations of a Poisson number, which is a little too many. */
  private static void assertEven(int[] counts, double expected, double deviations) {
    for (int count : counts) {
      assertThat((double) count)
          .isBetween(
              expected - deviations * Math.sqrt(expected),
              expected + deviations * Math.sqrt(expected));
    }
  }

  @Test
  void dependsOnSeedSplitAndIndexAlone() {
    int[] first = data.sequence(Split.TRAIN, 1L << 40);
    data.sequence(Split.TRAIN, 3);
    assertThat(new PlanLetters(42, 1).sequence(Split.TRAIN, 1L << 40)).isEqualTo(first);
    Set<String> different = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      different.add(Arrays.toString(data.sequence(Split.TRAIN, i)));
      different.add(Arrays.toString(data.sequence(Split.VALIDATION, i)));
      different.add(Arrays.toString(new PlanLetters(43, 1).sequence(Split.TRAIN, i)));
    }
    assertThat(different).hasSize(300);
  }
}
