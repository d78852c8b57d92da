package org.freetransformer.data;

/**
 * The exact entropy of {@link PlanLetters}, in nats: what the best possible model pays for the 64
 * characters. All figures come from sums over finitely many cases, none from sampling.
 *
 * <p><b>Derivation.</b> Given the letter K, a sequence X is decided by the start S of the run,
 * uniform over 57 places, and by the mask M of the characters that became {@code !}, each on its
 * own with probability q = 1/16. X shows M, since nothing else is {@code !}. So
 *
 * <pre>
 *   H(X | K) = H(M) + H(S) − H(S | X)  =  64 · h(q) + ln 57 − E[ln N(X)],
 * </pre>
 *
 * with h(q) = −q ln q − (1 − q) ln(1 − q): given X, S is uniform over the N(X) starts that could
 * have made it, as all starts are equally likely and give equally likely masks. E[ln N] is small,
 * and falls into two cases by the mask of the run.
 *
 * <p><i>Some letter is visible.</i> Moving the run right by d moves d places out of it at its left
 * and d places into it at its right; X fits both starts only if all of these are masked. So if a
 * places are masked at the run's left end, r just right of the run, b at its right end and l just
 * left of it, then N = 1 + min(a, r) + min(b, l). The 2^8 − 1 masks of the run give a and b; r and
 * l are geometric, cut off at the ends of the sequence and, as a and b are below 8, at 8.
 *
 * <p><i>The whole run is masked.</i> Then no letter is visible, and a start fits if its 8 places
 * are masked. Summed over the true starts this is Σ_S E[1{window S is masked} · ln N] = E[N ln N],
 * with N the number of fully masked windows of a random mask. Its distribution comes from walking
 * along the mask, with the length of the last masked stretch and the windows so far as the state.
 */
public final class PlanLettersEntropy {

  private static final PlanLettersEntropy PAPER =
      new PlanLettersEntropy(
          PlanLetters.CHARACTERS, PlanLetters.RUN, PlanLetters.NOISE_PROBABILITY);

  private final int characters;
  private final int run;
  private final int starts;
  private final double q;

  /** A source of other sizes, small enough to check against a count of all cases. */
  PlanLettersEntropy(int characters, int run, double noiseProbability) {
    this.characters = characters;
    this.run = run;
    this.starts = characters - run + 1;
    this.q = noiseProbability;
  }

  /**
   * H(X | K) / 64 ≈ 0.29688: the least cross-entropy per character that any model given the prompt
   * can reach.
   */
  public static double perCharacter() {
    return PAPER.givenLetter() / PlanLetters.CHARACTERS;
  }

  /**
   * H(X) / 64 ≈ 0.34779: the least that a model could reach which does not see the prompt, and has
   * to guess the letter. It exceeds H(X | K) by what X tells of the letter: ln 26, unless the whole
   * run is masked.
   */
  public static double perCharacterWithoutPrompt() {
    double shown = 1 - Math.pow(PAPER.q, PAPER.run);
    return (PAPER.givenLetter() + shown * Math.log(LetterAlphabet.LETTERS))
        / PlanLetters.CHARACTERS;
  }

  /**
   * The least that a model could reach which looks at nothing: neither at the prompt, nor at the
   * characters before, nor at the place, ≈ 0.96882. It knows the shares of the 28 characters alone.
   */
  public static double perCharacterWithoutContext() {
    return PAPER.withoutContext(LetterAlphabet.LETTERS);
  }

  /**
   * The least that a model could reach which reads the letter in the prompt but not the characters
   * before, nor the place, ≈ 0.58701: it knows neither where the run is nor that it is one.
   */
  public static double perCharacterWithLetterOnly() {
    return PAPER.withoutContext(1);
  }

  /** What the noise alone costs per character, h(1/16) ≈ 0.23379. */
  public static double noisePerCharacter() {
    return PAPER.noise();
  }

  /** H(X | K) of the whole sequence. */
  double givenLetter() {
    return characters * noise() + Math.log(starts) - expectedLogStarts();
  }

  /** E[ln N(X)]: how much of the start the noise hides. */
  double expectedLogStarts() {
    return letterVisible() + runMasked();
  }

  private double noise() {
    return surprise(q) + surprise(1 - q);
  }

  private double withoutContext(int letters) {
    double runShare = (1 - q) * run / characters;
    double fillerShare = (1 - q) - runShare;
    return surprise(q) + surprise(fillerShare) + letters * surprise(runShare / letters);
  }

  private static double surprise(double probability) {
    return -probability * Math.log(probability);
  }

  private double letterVisible() {
    double sum = 0;
    int all = (1 << run) - 1;
    for (int mask = 0; mask < all; mask++) {
      int leftEnd = Integer.numberOfTrailingZeros(~mask);
      int rightEnd = Integer.numberOfLeadingZeros(~(mask << (Integer.SIZE - run)));
      int masked = Integer.bitCount(mask);
      double probability = Math.pow(q, masked) * Math.pow(1 - q, run - masked);
      double logStarts = 0;
      for (int start = 0; start < starts; start++) {
        logStarts += expectedLog(leftEnd, starts - 1 - start, rightEnd, start);
      }
      sum += probability * logStarts / starts;
    }
    return sum;
  }

  /** E[ln(1 + min(a, r) + min(b, l))] over r and l, which have {@code room} places each. */
  private double expectedLog(int a, int roomRight, int b, int roomLeft) {
    int right = Math.min(a, roomRight);
    int left = Math.min(b, roomLeft);
    double sum = 0;
    for (int r = 0; r <= right; r++) {
      for (int l = 0; l <= left; l++) {
        sum += stretch(r, right) * stretch(l, left) * Math.log(1.0 + r + l);
      }
    }
    return sum;
  }

  /** Probability that a masked stretch has {@code length} places, counted up to {@code most}. */
  private double stretch(int length, int most) {
    return Math.pow(q, length) * (length == most ? 1 : 1 - q);
  }

  private double runMasked() {
    double[][] probability = new double[run + 1][starts + 1];
    probability[0][0] = 1;
    for (int i = 0; i < characters; i++) {
      probability = walk(probability);
    }
    double sum = 0;
    for (double[] byWindows : probability) {
      for (int windows = 1; windows <= starts; windows++) {
        sum += byWindows[windows] * windows * Math.log(windows);
      }
    }
    return sum / starts;
  }

  /** One more character: [length of the last masked stretch up to the run's][windows so far]. */
  private double[][] walk(double[][] before) {
    double[][] after = new double[run + 1][starts + 1];
    for (int stretch = 0; stretch <= run; stretch++) {
      int longer = Math.min(stretch + 1, run);
      for (int windows = 0; windows <= starts; windows++) {
        double probability = before[stretch][windows];
        if (probability > 0) {
          after[0][windows] += probability * (1 - q);
          after[longer][windows + (longer == run ? 1 : 0)] += probability * q;
        }
      }
    }
    return after;
  }
}
