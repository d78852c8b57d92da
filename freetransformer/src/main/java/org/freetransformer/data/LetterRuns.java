package org.freetransformer.data;

import java.util.Optional;
import java.util.stream.IntStream;

/** What a plan-letters sequence, true or generated, shows when it is read: its run, its faults. */
public final class LetterRuns {

  private LetterRuns() {}

  /**
   * The run that a sequence shows.
   *
   * @param start its first place, 0 to 56
   * @param mismatches characters other than noise that differ from a clean sequence with this start
   */
  public record Run(int start, int mismatches) {}

  /**
   * Finds the run of a letter: the start with the fewest mismatches, the middle one of those that
   * fit equally well. Noise fits everywhere.
   *
   * @param letter the prompt's letter, a token of {@link LetterAlphabet}
   * @param characters the 64 tokens after the prompt
   * @return nothing if the letter does not appear at all
   * @throws IllegalArgumentException if these are not 64 tokens and a letter
   */
  public static Optional<Run> find(int letter, int... characters) {
    check(letter, characters);
    boolean appears = false;
    for (int character : characters) {
      appears |= character == letter;
    }
    if (!appears) {
      return Optional.empty();
    }
    int[] mismatches = new int[PlanLetters.STARTS];
    int fewest = Integer.MAX_VALUE;
    for (int start = 0; start < mismatches.length; start++) {
      mismatches[start] = mismatches(letter, start, characters);
      fewest = Math.min(fewest, mismatches[start]);
    }
    int[] best = starts(mismatches, fewest);
    return Optional.of(new Run(best[best.length / 2], fewest));
  }

  /**
   * Number of characters that the source never puts after this letter: other letters and {@code >}.
   *
   * @param letter the prompt's letter, a token of {@link LetterAlphabet}
   * @param characters the 64 tokens after the prompt
   */
  public static int invalid(int letter, int... characters) {
    check(letter, characters);
    int invalid = 0;
    for (int character : characters) {
      boolean valid =
          character == letter
              || character == LetterAlphabet.FILLER
              || character == LetterAlphabet.NOISE;
      invalid += valid ? 0 : 1;
    }
    return invalid;
  }

  /**
   * ln P(characters | letter) under the source, exactly: the noise it shows, times the share of
   * starts that fit; negative infinity if none does.
   *
   * @param letter the prompt's letter, a token of {@link LetterAlphabet}
   * @param characters the 64 tokens after the prompt
   */
  public static double logLikelihood(int letter, int... characters) {
    int fitting = fittingStarts(letter, characters);
    int noise = 0;
    for (int character : characters) {
      noise += character == LetterAlphabet.NOISE ? 1 : 0;
    }
    double q = PlanLetters.NOISE_PROBABILITY;
    return noise * Math.log(q)
        + (characters.length - noise) * Math.log(1 - q)
        + Math.log((double) fitting / PlanLetters.STARTS);
  }

  /** N: how many starts could have made these characters. */
  static int fittingStarts(int letter, int... characters) {
    check(letter, characters);
    int fitting = 0;
    for (int start = 0; start < PlanLetters.STARTS; start++) {
      fitting += mismatches(letter, start, characters) == 0 ? 1 : 0;
    }
    return fitting;
  }

  private static int mismatches(int letter, int start, int[] characters) {
    int mismatches = 0;
    for (int i = 0; i < characters.length; i++) {
      boolean inRun = i >= start && i < start + PlanLetters.RUN;
      int clean = inRun ? letter : LetterAlphabet.FILLER;
      mismatches += characters[i] == clean || characters[i] == LetterAlphabet.NOISE ? 0 : 1;
    }
    return mismatches;
  }

  private static int[] starts(int[] mismatches, int wanted) {
    return IntStream.range(0, mismatches.length)
        .filter(start -> mismatches[start] == wanted)
        .toArray();
  }

  private static void check(int letter, int[] characters) {
    if (letter < 0 || letter >= LetterAlphabet.LETTERS) {
      throw new IllegalArgumentException(
          "token %d is not a letter; allowed are 0 to %d"
              .formatted(letter, LetterAlphabet.LETTERS - 1));
    }
    if (characters.length != PlanLetters.CHARACTERS) {
      throw new IllegalArgumentException(
          "%d characters are given; a plan-letters sequence has %d after its prompt"
              .formatted(characters.length, PlanLetters.CHARACTERS));
    }
  }
}
