package org.freetransformer.demo;

import java.util.List;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.freetransformer.data.LetterAlphabet;
import org.freetransformer.data.PlanLetters;
import org.freetransformer.generate.Generator;
import org.freetransformer.generate.PlanControl;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;

/**
 * What samples of a model look like, with a plan for each and with one plan for several. Samples
 * are compared in groups of one prompt, and groups of both kinds are equally large.
 *
 * @param fresh texts after the prompt, a plan each
 * @param shared texts after the prompt under one plan; none for a baseline
 * @param freshAgreement among samples with a plan each
 * @param sharedAgreement among samples of one plan; NaN for a baseline
 * @param possible share of the samples with a plan each that the task could have made
 */
public record SampleStudy(
    List<String> fresh,
    List<String> shared,
    Agreement freshAgreement,
    Agreement sharedAgreement,
    double possible) {

  /** The letter of the samples that are shown. */
  public static final char LETTER = 'K';

  /** How near to their median, in places, runs count as near. */
  public static final int NEAR = 3;

  private static final int SHOWN = 8;
  private static final int GROUPS = 12;
  private static final int SAMPLES_OF_A_GROUP = 16;
  private static final LetterAlphabet ALPHABET = new LetterAlphabet();

  /**
   * How much the samples of a group have in common, means over groups; NaN where none says it.
   *
   * @param spread how far runs start from their median place, on average
   * @param near share of the runs that start within {@link #NEAR} places of their median
   * @param noise share of the noise of one sample that another has at the same place
   */
  public record Agreement(double spread, double near, double noise) {
    private static Agreement of(List<SampleGroup> groups) {
      return new Agreement(
          mean(groups, SampleGroup::startSpread),
          mean(groups, group -> group.startsWithin(NEAR)),
          mean(groups, SampleGroup::noiseAgreement));
    }
  }

  /** Copies the lists. */
  public SampleStudy {
    fresh = List.copyOf(fresh);
    shared = List.copyOf(shared);
  }

  /** Samples from a model; the same for the same model and seed. */
  public static SampleStudy of(LanguageModel model, long seed) {
    Generator generator = new Generator(model);
    List<SampleGroup> fresh = groups(generator, false, seed);
    List<SampleGroup> shared =
        model instanceof FreeTransformer ? groups(generator, true, seed) : List.of();
    return new SampleStudy(
        shown(fresh),
        shown(shared),
        Agreement.of(fresh),
        Agreement.of(shared),
        mean(fresh, SampleGroup::possibleShare));
  }

  private static List<SampleGroup> groups(Generator generator, boolean onePlan, long seed) {
    return IntStream.range(0, GROUPS)
        .mapToObj(group -> {
          int letter = (LETTER - 'A' + group) % LetterAlphabet.LETTERS;
          return new SampleGroup(letter, write(generator, letter, onePlan, seed + group));
        })
        .toList();
  }

  private static List<int[]> write(Generator generator, int letter, boolean onePlan, long seed) {
    int[] prompt = {letter, LetterAlphabet.PROMPT_END};
    Generator.Request request =
        Generator.Request.ofOnePrompt(
            prompt,
            SAMPLES_OF_A_GROUP,
            PlanLetters.CHARACTERS,
            PlanControl.prior(seed).withShared(onePlan),
            Set.of());
    return generator.generate(request).stream()
        .map(sample -> sample.tokens().stream().mapToInt(Integer::intValue).toArray())
        .toList();
  }

  private static List<String> shown(List<SampleGroup> groups) {
    return groups.stream()
        .limit(1)
        .flatMap(group -> group.samples().stream().limit(SHOWN))
        .map(ALPHABET::decode)
        .toList();
  }

  private static double mean(List<SampleGroup> groups, ToDoubleFunction<SampleGroup> measure) {
    return groups.stream()
        .mapToDouble(measure)
        .filter(value -> !Double.isNaN(value))
        .average()
        .orElse(Double.NaN);
  }
}
