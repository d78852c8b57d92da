package org.freetransformer.demo;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.freetransformer.data.PlanLetters;
import org.freetransformer.data.PlanLettersEntropy;

/**
 * What a reader sees in the results, in two sentences whose wording follows the numbers: what a run
 * does not show is not claimed.
 */
public final class Findings {
  /** A plan holds the position if it brings runs together to this share of their spread. */
  private static final double TOGETHER = 0.5;

  /** A bound is clearly under a level if it is under this share of it. */
  private static final double CLEARLY = 0.9;

  private Findings() {}

  /** The two sentences of the four regimes and the baseline. */
  public static List<String> ofAll(List<RegimeResult> results) {
    Map<Regime, RegimeResult> by =
        results.stream().collect(Collectors.toMap(RegimeResult::regime, Function.identity()));
    RegimeResult baseline = get(by, Regime.BASELINE);
    RegimeResult tiny = get(by, Regime.TINY);
    RegimeResult small = get(by, Regime.SMALL);
    RegimeResult huge = get(by, Regime.HUGE);
    return List.of(position(small, tiny), allowance(baseline, tiny, huge));
  }

  /** The two sentences of the quick demonstration. */
  public static List<String> ofQuick(RegimeResult quick) {
    double bound = quick.evaluation().nllBound();
    double blind = PlanLettersEntropy.perCharacterWithoutContext();
    double letterOnly = PlanLettersEntropy.perCharacterWithLetterOnly();
    String claim =
        bound < CLEARLY * letterOnly
            ? "clearly under the %.3f of any model that knows only the letter, and the %.3f of one that knows neither letter nor position"
                .formatted(letterOnly, blind)
            : bound < CLEARLY * blind
                ? "clearly under the %.3f of any model that knows neither letter nor position, but not under the %.3f of one that knows the letter"
                    .formatted(blind, letterOnly)
                : "which is not clearly under the %.3f of a model that knows neither letter nor position: more steps are needed"
                    .formatted(blind);
    String first =
        "After %d steps the bound is %.3f nats per character, %s; the source itself has %.3f."
            .formatted(quick.steps(), bound, claim, PlanLettersEntropy.perCharacter());
    return List.of(first, position(quick));
  }

  private static RegimeResult get(Map<Regime, RegimeResult> results, Regime regime) {
    RegimeResult result = results.get(regime);
    if (result == null) {
      throw new IllegalArgumentException("there is no result for " + regime.label());
    }
    return result;
  }

  private static boolean holdsPosition(SampleStudy study) {
    return study.sharedSpread() < TOGETHER * study.freshSpread();
  }

  private static String position(RegimeResult result) {
    SampleStudy study = result.study();
    String claim =
        holdsPosition(study)
            ? "the plan holds the position of the run"
            : "the plan does not hold the position of the run (yet)";
    return "With %s, %s: samples of one shared plan start theirs within ±%.1f places of each other, those with a plan each within ±%.1f."
        .formatted(result.regime().label(), claim, study.sharedSpread(), study.freshSpread());
  }

  private static String position(RegimeResult small, RegimeResult tiny) {
    String sentence = position(small);
    return sentence.substring(0, sentence.length() - 1)
        + ", and with %s one shared plan leaves them ±%.1f apart; the KL is %.3f nats per character, where the position takes %.3f."
            .formatted(
                tiny.regime().label(),
                tiny.study().sharedSpread(),
                small.evaluation().kl(),
                Math.log(PlanLetters.STARTS) / PlanLetters.CHARACTERS);
  }

  private static String allowance(RegimeResult baseline, RegimeResult tiny, RegimeResult huge) {
    double from = tiny.evaluation().reconstruction();
    double to = huge.evaluation().reconstruction();
    boolean garbled = huge.study().possible() < TOGETHER * tiny.study().possible();
    return "From %s to %s the reconstruction %s from %.3f to %.3f nats per character but the bound, which alone compares with the baseline's %.3f and the source's %.3f, %s from %.3f to %.3f, and of the texts written to drawn plans the task could have made %.0f %% and %.0f %%: %s."
        .formatted(
            tiny.regime().label(),
            huge.regime().label(),
            verb(from, to),
            from,
            to,
            baseline.evaluation().nllBound(),
            PlanLettersEntropy.perCharacter(),
            verb(tiny.evaluation().nllBound(), huge.evaluation().nllBound()),
            tiny.evaluation().nllBound(),
            huge.evaluation().nllBound(),
            100 * tiny.study().possible(),
            100 * huge.study().possible(),
            garbled
                ? "with the whole text in the plan, drawing a plan gives garble"
                : "the garble that the paper reports is not seen in this run");
  }

  private static String verb(double from, double to) {
    return to < from ? "falls" : "rises";
  }
}
