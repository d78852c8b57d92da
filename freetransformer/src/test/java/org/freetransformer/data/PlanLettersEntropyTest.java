package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The derivation in {@link PlanLettersEntropy}, against a count of all cases and against draws. */
final class PlanLettersEntropyTest {

  @Test
  void equalsTheEntropyCountedOverAllSequencesOfSmallSources() {
    int[][] sizes = {{1, 1}, {4, 1}, {5, 2}, {9, 3}, {12, 4}, {10, 8}, {8, 8}};
    for (int[] size : sizes) {
      for (double q : new double[] {1.0 / 16, 0.4, 0.9}) {
        assertThat(new PlanLettersEntropy(size[0], size[1], q).givenLetter())
            .as("%d characters, run of %d, noise %s", size[0], size[1], q)
            .isCloseTo(counted(size[0], size[1], q), within(1e-12));
      }
    }
  }

  /** −Σ P(x) ln P(x), with P(x) summed over all starts and masks that give x. */
  private static double counted(int characters, int run, double q) {
    Map<Long, Double> probabilities = new HashMap<>();
    int starts = characters - run + 1;
    long places = (1L << characters) - 1;
    for (int start = 0; start < starts; start++) {
      long letters = ((1L << run) - 1) << start;
      for (long mask = 0; mask <= places; mask++) {
        int masked = Long.bitCount(mask);
        double probability = Math.pow(q, masked) * Math.pow(1 - q, characters - masked) / starts;
        long sequence = mask << characters | (letters & ~mask);
        probabilities.merge(sequence, probability, Double::sum);
      }
    }
    return probabilities.values().stream().mapToDouble(p -> -p * Math.log(p)).sum();
  }

  @Test
  void givesTheKnownFigureForThePapersSource() {
    assertThat(PlanLettersEntropy.perCharacter()).isCloseTo(0.29688, within(5e-6));
    double withoutTheHiddenStarts = PlanLettersEntropy.noisePerCharacter() + Math.log(57) / 64;
    assertThat(PlanLettersEntropy.perCharacter()).isLessThan(withoutTheHiddenStarts);
    assertThat(withoutTheHiddenStarts).isCloseTo(0.2970, within(5e-5));
  }

  @Test
  void agreesWithDrawsFromTheSource() {
    int draws = 100_000;
    PlanLetters source = new PlanLetters(11, 1);
    double logLikelihood = 0;
    double logStarts = 0;
    for (int i = 0; i < draws; i++) {
      int[] sequence = source.sequence(Split.TRAIN, i);
      int[] characters = Arrays.copyOfRange(sequence, 2, sequence.length);
      logLikelihood += LetterRuns.logLikelihood(sequence[0], characters);
      logStarts += Math.log(LetterRuns.fittingStarts(sequence[0], characters));
    }
    // ln P of a sequence deviates by 8 √(q(1−q)) ln 15 ≈ 5.24 nats: five deviations of the mean
    // are 5 · 5.24 / √100000 / 64 ≈ 0.0013. ln N is mostly 0; its mean is known to about 3 %.
    assertThat(-logLikelihood / draws / 64)
        .isCloseTo(PlanLettersEntropy.perCharacter(), within(0.0013));
    double exact = new PlanLettersEntropy(64, 8, 1.0 / 16).expectedLogStarts();
    assertThat(logStarts / draws).isCloseTo(exact, within(0.15 * exact));
  }

  @Test
  void ordersTheSourcesByWhatAModelMaySee() {
    double h = PlanLettersEntropy.noisePerCharacter();
    assertThat(PlanLettersEntropy.perCharacter()).isGreaterThan(h);
    assertThat(PlanLettersEntropy.perCharacterWithoutPrompt())
        .isCloseTo(PlanLettersEntropy.perCharacter() + Math.log(26) / 64, within(1e-9));
    double run = -Math.log(1.0 / 8) / 8 - Math.log(7.0 / 8) * 7 / 8;
    assertThat(PlanLettersEntropy.perCharacterWithLetterOnly())
        .isCloseTo(h + run * 15 / 16, within(1e-12));
    assertThat(PlanLettersEntropy.perCharacterWithoutContext())
        .isCloseTo(h + (run + Math.log(26) / 8) * 15 / 16, within(1e-12));
  }
}
