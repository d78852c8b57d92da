package org.freetransformer.demo;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.freetransformer.data.PlanLetters;
import org.freetransformer.data.PlanLettersEntropy;

/**
 * What a reader sees in the results, in a few sentences whose wording follows the numbers: what a
 * run does not show is not claimed.
 */
public final class Findings {
  /** A plan holds the position if this share of its runs start near each other. */
  private static final double HOLDS = 0.8;

  /** It says something of it if so many times as many do as with a plan each. */
  private static final double MORE = 1.5;

  /** A plan holds noise if so many times as much of it stands at the same places. */
  private static final double SAME_PLACES = 2;

  /** Texts are garbled if the task could have made under this share of what it could before. */
  private static final double GARBLED = 0.5;

  /** A bound is clearly under a level if it is under this share of it. */
  private static final double CLEARLY = 0.9;

  private Findings() {}

  /** The sentences of the four regimes and the baseline. */
  public static List<String> ofAll(List<RegimeResult> results) {
    Map<Regime, RegimeResult> by =
        results.stream().collect(Collectors.toMap(RegimeResult::regime, Function.identity()));
    RegimeResult baseline = get(by, Regime.BASELINE);
    RegimeResult tiny = get(by, Regime.TINY);
    RegimeResult small = get(by, Regime.SMALL);
    RegimeResult large = get(by, Regime.LARGE);
    RegimeResult huge = get(by, Regime.HUGE);
    return List.of(position(small, tiny), noise(large), allowance(baseline, tiny, huge));
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

  private static String position(RegimeResult result) {
    double near = result.study().sharedAgreement().near();
    double byChance = result.study().freshAgreement().near();
    String claim =
        near >= HOLDS
            ? "the plan holds the position of the run"
            : near >= MORE * byChance
                ? "the plan says something of the position of the run, but does not fix it"
                : "the plan does not say where the run stands";
    return "With %s, %s: of the samples of one shared plan %.0f %% start theirs within %d places of their median, of those with a plan each %.0f %%."
        .formatted(result.regime().label(), claim, 100 * near, SampleStudy.NEAR, 100 * byChance);
  }

  private static String position(RegimeResult small, RegimeResult tiny) {
    String sentence = position(small);
    return sentence.substring(0, sentence.length() - 1)
        + ", and under one plan with %s %.0f %%; the KL is %.3f nats per character, where the position takes %.3f."
            .formatted(
                tiny.regime().label(),
                100 * tiny.study().sharedAgreement().near(),
                small.evaluation().kl(),
                Math.log(PlanLetters.STARTS) / PlanLetters.CHARACTERS);
  }

  private static String noise(RegimeResult large) {
    double shared = large.study().sharedAgreement().noise();
    double fresh = large.study().freshAgreement().noise();
    return "With %s, the plan %s the noise: of the `!` in one sample %.0f %% stand at the same place in another of the same plan, with a plan each %.0f %%; %.0f %% of the runs of one plan start near each other."
        .formatted(
            large.regime().label(),
            shared >= SAME_PLACES * fresh ? "holds much of" : "does not hold",
            100 * shared,
            100 * fresh,
            100 * large.study().sharedAgreement().near());
  }

  private static String allowance(RegimeResult baseline, RegimeResult tiny, RegimeResult huge) {
    double from = tiny.evaluation().reconstruction();
    double to = huge.evaluation().reconstruction();
    boolean garbled = huge.study().possible() < GARBLED * tiny.study().possible();
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
