package org.freetransformer.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.data.LetterAlphabet;
import org.junit.jupiter.api.Test;

class SampleGroupTest {
  private static final int K = 'K' - 'A';

  private static SampleGroup of(String... texts) {
    LetterAlphabet alphabet = new LetterAlphabet();
    List<int[]> samples = Stream.of(texts).map(alphabet::encode).toList();
    return new SampleGroup(K, samples);
  }

  private static String run(int start) {
    return "_".repeat(start) + "K".repeat(8) + "_".repeat(56 - start);
  }

  @Test
  void spreadIsTheMeanDistanceFromTheMedianStart() {
    assertThat(of(run(10), run(10), run(10)).startSpread()).isZero();
    assertThat(of(run(10), run(12), run(17)).startSpread()).isCloseTo(7.0 / 3, within(1e-12));
    assertThat(of(run(10), run(20)).startSpread()).isEqualTo(5);
    assertThat(of(run(10), "_".repeat(64)).startSpread()).isNaN();
  }

  @Test
  void nearStartsAreCounted() {
    assertThat(of(run(10), run(12), run(17)).startsWithin(3)).isCloseTo(2.0 / 3, within(1e-12));
    assertThat(of(run(10), "_".repeat(64)).startsWithin(3)).isNaN();
  }

  @Test
  void noiseAgreesWhereItStandsAtTheSamePlace() {
    String atTheEnd = run(10).substring(0, 62) + "!!";
    String oneOfTwo = run(20).substring(0, 63) + "!";
    assertThat(of(atTheEnd, atTheEnd).noiseAgreement()).isEqualTo(1);
    assertThat(of(atTheEnd, oneOfTwo).noiseAgreement()).isCloseTo(2.0 / 3, within(1e-12));
    assertThat(of(run(10), run(10)).noiseAgreement()).isNaN();
  }

  @Test
  void whatTheTaskCannotMakeIsImpossible() {
    String twoRuns = run(0).substring(0, 30) + run(26).substring(30);
    assertThat(of(run(3), twoRuns, run(4).replace('K', 'J'), "!".repeat(64)).possibleShare())
        .isEqualTo(0.5);
  }
}
