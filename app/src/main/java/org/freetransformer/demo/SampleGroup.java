package org.freetransformer.demo;

import java.util.List;
import java.util.stream.DoubleStream;
import org.freetransformer.data.LetterAlphabet;
import org.freetransformer.data.LetterRuns;
import org.freetransformer.run.Median;

/**
 * Samples for one prompt, and what they have in common.
 *
 * @param letter the prompt's letter, a token
 * @param samples the 64 tokens after the prompt of each
 */
record SampleGroup(int letter, List<int[]> samples) {

  /** Mean distance, in places, of the runs' starts from their median; NaN with under two runs. */
  double startSpread() {
    return distances().average().orElse(Double.NaN);
  }

  /** Share of the runs that start within some places of their median; NaN with under two runs. */
  double startsWithin(int places) {
    return distances().map(distance -> distance <= places ? 1 : 0).average().orElse(Double.NaN);
  }

  /** How far from their median the runs start, in places; none with under two runs. */
  private DoubleStream distances() {
    List<Integer> starts =
        samples.stream()
            .flatMap(sample -> LetterRuns.find(letter, sample).stream())
            .map(LetterRuns.Run::start)
            .toList();
    if (starts.size() < 2) {
      return DoubleStream.empty();
    }
    double median = Median.of(starts);
    return starts.stream().mapToDouble(start -> Math.abs(start - median));
  }

  /**
   * Of the noise in one sample, the share that another sample has at the same place: 1/16 by chance
   * if noise is left to each sample, 1 if the plan decides it. NaN if there is no noise.
   */
  double noiseAgreement() {
    long common = 0;
    long noise = 0;
    for (int i = 0; i < samples.size(); i++) {
      for (int j = 0; j < samples.size(); j++) {
        if (i != j) {
          noise += count(samples.get(i), samples.get(i));
          common += count(samples.get(i), samples.get(j));
        }
      }
    }
    return noise == 0 ? Double.NaN : (double) common / noise;
  }

  private static int count(int[] one, int[] other) {
    int count = 0;
    for (int i = 0; i < one.length; i++) {
      boolean both = one[i] == LetterAlphabet.NOISE && other[i] == LetterAlphabet.NOISE;
      count += both ? 1 : 0;
    }
    return count;
  }

  /** Share of the samples that the task could have made. */
  double possibleShare() {
    long possible =
        samples.stream()
            .filter(sample -> LetterRuns.logLikelihood(letter, sample) > Double.NEGATIVE_INFINITY)
            .count();
    return (double) possible / samples.size();
  }
}
