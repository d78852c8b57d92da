package org.freetransformer.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SamplingTest {
  private static final int VOCABULARY = 9;
  private static final int DRAWS = 20_000;

  private final Random random = new Random(2);

  private float[] logits() {
    float[] logits = new float[VOCABULARY];
    for (int i = 0; i < VOCABULARY; i++) {
      logits[i] = (float) (1.5 * random.nextGaussian());
    }
    return logits;
  }

  /** The distribution as each limit's definition says, without sorting tricks. */
  private static double[] expected(Sampling how, float... logits) {
    List<Integer> order =
        IntStream.range(0, VOCABULARY)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -logits[i]))
            .toList();
    double[] p = new double[VOCABULARY];
    int places = how.topK() == 0 ? VOCABULARY : Math.min(how.topK(), VOCABULARY);
    for (int token : order.subList(0, places)) {
      p[token] = Math.exp(logits[token] / how.temperature());
    }
    normalise(p);
    double before = 0;
    double[] q = new double[VOCABULARY];
    for (int token : order.subList(0, places)) {
      if (before < how.topP() && p[token] >= how.minP() * p[order.getFirst()]) {
        q[token] = p[token];
      }
      before += p[token];
    }
    normalise(q);
    return q;
  }

  private static void normalise(double[] p) {
    double sum = 0;
    for (double share : p) {
      sum += share;
    }
    for (int i = 0; i < p.length; i++) {
      p[i] /= sum;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, 1, 0",
    "0.5, 0, 1, 0",
    "2, 0, 1, 0",
    "1, 3, 1, 0",
    "1, 1, 1, 0",
    "1, 100, 1, 0",
    "1, 0, 0.7, 0",
    "1, 0, 0.01, 0",
    "1, 0, 1, 0.2",
    "0.8, 5, 0.8, 0.1"
  })
  void drawsFromTheLimitedDistribution(double temperature, int topK, double topP, double minP) {
    Sampling how = new Sampling(temperature, topK, topP, minP, 1, 17);
    Sampler sampler = new Sampler(how);
    float[] logits = logits();
    double[] expected = expected(how, logits);
    int[] counts = new int[VOCABULARY];
    for (int i = 0; i < DRAWS; i++) {
      counts[sampler.choose(logits, i % 7, i)]++;
    }
    for (int token = 0; token < VOCABULARY; token++) {
      if (expected[token] == 0) {
        assertThat(counts[token]).isZero();
      } else {
        assertThat(counts[token] / (double) DRAWS).isCloseTo(expected[token], Offset.offset(0.016));
      }
    }
  }

  @Test
  void takesTheLikeliestAtTemperatureZeroAndTheFirstOfEquals() {
    Sampler greedy = new Sampler(Sampling.greedy());
    assertThat(greedy.choose(new float[] {-3, -1, -2, -1}, 0, 0)).isEqualTo(1);
    assertThat(greedy.choose(new float[] {-0f, 0f, -1}, 5, 9)).isZero();
    assertThat(greedy.choose(new float[] {1, 2, 3e38f}, 0, 0)).isEqualTo(2);
  }

  @Test
  void rememberedMemoryChangesNothing() {
    Sampling how = new Sampling(0.9, 40, 0.95, 0.01, 1, 3);
    Sampler used = new Sampler(how);
    for (int i = 0; i < 200; i++) {
      float[] logits = new float[1 + random.nextInt(300)];
      for (int token = 0; token < logits.length; token++) {
        logits[token] = random.nextInt(12) / 2f; // Some are equal.
      }
      int chosen = used.choose(logits, i, 5);
      assertThat(chosen).isEqualTo(new Sampler(how).choose(logits, i, 5));
    }
  }

  /** As the definition says, a token at a time. */
  private static float[] penalised(float[] logits, BitSet seen, float penalty) {
    float[] changed = logits.clone();
    for (int token = 0; token < changed.length; token++) {
      if (seen.get(token)) {
        changed[token] = logits[token] < 0 ? logits[token] * penalty : logits[token] / penalty;
      }
    }
    return changed;
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 1, 1.3", "1, 0, 1, 1.3", "0.7, 4, 0.9, 2", "1, 0, 1, 0.5", "0, 0, 1, 0.5"})
  void tokensOfTheSampleArePenalisedBeforeAllElse(
      double temperature, int topK, double topP, float penalty) {
    Sampling plain = new Sampling(temperature, topK, topP, 0, 1, 17);
    Sampler penalises = new Sampler(new Sampling(temperature, topK, topP, 0, penalty, 17));
    int others = 0;
    for (int i = 0; i < 200; i++) {
      float[] logits = logits();
      float[] before = logits.clone();
      BitSet seen = BitSet.valueOf(new long[] {random.nextInt(1 << VOCABULARY)});
      int chosen = penalises.choose(logits, seen, 3, i);
      assertThat(chosen)
          .isEqualTo(new Sampler(plain).choose(penalised(logits, seen, penalty), 3, i));
      assertThat(logits).isEqualTo(before);
      others += chosen == new Sampler(plain).choose(logits, 3, i) ? 0 : 1;
    }
    assertThat(others).isPositive();
  }

  @Test
  void aPenaltyOfOneChangesNothing() {
    BitSet all = new BitSet();
    all.set(0, VOCABULARY);
    for (int i = 0; i < 200; i++) {
      float[] logits = logits();
      assertThat(new Sampler(Sampling.plain(1)).choose(logits, all, 0, i))
          .isEqualTo(new Sampler(Sampling.plain(1)).choose(logits, 0, i));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.MIN_VALUE, 1e6})
  void theStrongestPenaltiesLeaveNumbers(double penalty) {
    Sampler sampler = new Sampler(new Sampling(1, 0, 1, 0, penalty, 0));
    BitSet all = new BitSet();
    all.set(0, 2);
    assertThat(sampler.choose(new float[] {3e38f, -3e38f}, all, 0, 0)).isZero();
    assertThat(sampler.choose(new float[] {-3e38f, -3e38f}, all, 0, 0)).isBetween(0, 1);
  }

  @Test
  void isAFunctionOfSeedSampleAndPosition() {
    float[] even = new float[1000];
    int first = new Sampler(Sampling.plain(1)).choose(even, 2, 3);
    assertThat(new Sampler(Sampling.plain(1)).choose(even, 2, 3)).isEqualTo(first);
    assertThat(new Sampler(Sampling.plain(2)).choose(even, 2, 3)).isNotEqualTo(first);
    assertThat(new Sampler(Sampling.plain(1L << 32)).choose(even, 2, 3))
        .isNotEqualTo(new Sampler(Sampling.plain(0)).choose(even, 2, 3));
    assertThat(new Sampler(Sampling.plain(1)).choose(even, 1, 3)).isNotEqualTo(first);
    assertThat(new Sampler(Sampling.plain(1)).choose(even, 2, 4)).isNotEqualTo(first);
  }

  @Test
  void saysWhatIsOutOfRange() {
    assertThatThrownBy(() -> new Sampling(-1, 0, 1, 0, 1, 0)).hasMessageStartingWith("temperature");
    assertThatThrownBy(() -> new Sampling(Double.NaN, 0, 1, 0, 1, 0))
        .hasMessageStartingWith("temperature: NaN");
    assertThatThrownBy(() -> new Sampling(1, -1, 1, 0, 1, 0))
        .hasMessage(
            "top_k: -1 is out of range; allowed are whole numbers from 0 to 2147483647; nearest is"
                + " 0");
    assertThatThrownBy(() -> new Sampling(1, 0, 0, 0, 1, 0)).hasMessageStartingWith("top_p: 0.0");
    assertThatThrownBy(() -> new Sampling(1, 0, 1, 1, 1, 0)).hasMessageStartingWith("min_p: 1.0");
    assertThatThrownBy(() -> new Sampling(1, 0, 1, 0, 0, 0))
        .hasMessage(
            "repetition_penalty: 0.0 is out of range; allowed are numbers above 0 up to 1000000.0");
    assertThatThrownBy(() -> new Sampling(1, 0, 1, 0, Double.NaN, 0))
        .hasMessageStartingWith("repetition_penalty: NaN");
    assertThatThrownBy(
            () -> new Sampler(Sampling.plain(0)).choose(new float[] {0, Float.NaN}, 0, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("token 1 is NaN");
  }
}
