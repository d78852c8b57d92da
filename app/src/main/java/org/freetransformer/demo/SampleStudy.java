package org.freetransformer.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.freetransformer.data.LetterAlphabet;
import org.freetransformer.data.PlanLetters;
import org.freetransformer.generate.Generator;
import org.freetransformer.generate.PlanControl;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;

/**
 * What samples of a model look like, with a plan for each and with one plan for several.
 *
 * @param fresh texts after the prompt, a plan each
 * @param shared texts after the prompt under one plan; none for a baseline
 * @param freshSpread how far runs start from their median place, on average, with a plan each
 * @param sharedSpread the same among samples of one plan; NaN for a baseline
 * @param freshNoise share of the noise of one sample that another has at the same place
 * @param sharedNoise the same among samples of one plan; NaN for a baseline
 * @param possible share of the samples with a plan each that the task could have made
 */
public record SampleStudy(
    List<String> fresh,
    List<String> shared,
    double freshSpread,
    double sharedSpread,
    double freshNoise,
    double sharedNoise,
    double possible) {

  /** The letter of the samples that are shown. */
  public static final char LETTER = 'K';

  private static final int SHOWN = 8;
  private static final int FRESH_SAMPLES = 64;
  private static final int PLANS = 12;
  private static final int SAMPLES_OF_A_PLAN = 8;
  private static final LetterAlphabet ALPHABET = new LetterAlphabet();

  /** Copies the lists. */
  public SampleStudy {
    fresh = List.copyOf(fresh);
    shared = List.copyOf(shared);
  }

  /** Samples from a model; the same for the same model and seed. */
  public static SampleStudy of(LanguageModel model, long seed) {
    Generator generator = new Generator(model);
    int shownLetter = LETTER - 'A';
    List<int[]> fresh = write(generator, shownLetter, FRESH_SAMPLES, false, seed);
    SampleGroup freshGroup = new SampleGroup(shownLetter, fresh);
    List<SampleGroup> plans = new ArrayList<>();
    if (model instanceof FreeTransformer) {
      for (int plan = 0; plan < PLANS; plan++) {
        int letter = (shownLetter + plan) % LetterAlphabet.LETTERS;
        long planSeed = seed + 1 + plan;
        plans.add(
            new SampleGroup(letter, write(generator, letter, SAMPLES_OF_A_PLAN, true, planSeed)));
      }
    }
    return new SampleStudy(
        texts(fresh.subList(0, SHOWN)),
        plans.isEmpty() ? List.of() : texts(plans.getFirst().samples()),
        freshGroup.startSpread(),
        mean(plans.stream().mapToDouble(SampleGroup::startSpread).toArray()),
        freshGroup.noiseAgreement(),
        mean(plans.stream().mapToDouble(SampleGroup::noiseAgreement).toArray()),
        freshGroup.possibleShare());
  }

  private static List<int[]> write(
      Generator generator, int letter, int count, boolean shared, long seed) {
    int[] prompt = {letter, LetterAlphabet.PROMPT_END};
    Generator.Request request =
        Generator.Request.ofOnePrompt(
            prompt,
            count,
            PlanLetters.CHARACTERS,
            PlanControl.prior(seed).withShared(shared),
            Set.of());
    return generator.generate(request).stream()
        .map(sample -> sample.tokens().stream().mapToInt(Integer::intValue).toArray())
        .toList();
  }

  private static List<String> texts(List<int[]> samples) {
    return samples.stream().map(ALPHABET::decode).toList();
  }

  private static double mean(double[] values) {
    double sum = 0;
    int count = 0;
    for (double value : values) {
      if (!Double.isNaN(value)) {
        sum += value;
        count++;
      }
    }
    return count == 0 ? Double.NaN : sum / count;
  }
}
