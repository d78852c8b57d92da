package org.freetransformer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ExampleRandom;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;

class PlanPosteriorTest {
  private static final int BITS = 6;

  private static PlanPosterior posterior(int rows, int length, float... logits) {
    try (Engine engine = Engine.on(Devices.scalar())) {
      return new PlanPosterior(engine.tensor(logits, rows, length, BITS));
    }
  }

  private static float[] logits(int positions) {
    Random random = new Random(3);
    float[] logits = new float[positions * BITS];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (2 * random.nextGaussian());
    }
    return logits;
  }

  @Test
  void theProbabilitiesOfAllPlansMakeOne() {
    PlanPosterior posterior = posterior(1, 2, logits(2));
    double sum = 0;
    for (int plan = 0; plan < 1 << BITS; plan++) {
      sum += Math.exp(posterior.logProbability(1, plan));
    }
    assertThat(sum).isCloseTo(1, within(1e-12));
  }

  @Test
  void theDivergenceFromThePriorIsTheSumOverAllPlans() {
    PlanPosterior posterior = posterior(1, 2, logits(2));
    double sum = 0;
    for (int plan = 0; plan < 1 << BITS; plan++) {
      double log = posterior.logProbability(1, plan);
      sum += Math.exp(log) * (log - posterior.logPrior());
    }
    assertThat(posterior.kl(1)).isCloseTo(sum, within(1e-12));
    PlanPosterior certain = posterior(1, 1, 500, -500, 500, -500, 500, -500);
    assertThat(certain.kl(0)).isCloseTo(BITS * Math.log(2), within(1e-12));
    assertThat(certain.probability(0, 0)).isEqualTo(1);
    assertThat(certain.probability(0, 1)).isCloseTo(0, within(1e-200));
    assertThat(PlanPosterior.prior(1, 1, BITS).kl(0)).isZero();
  }

  @Test
  void plansComeAsOftenAsTheirProbabilitySays() {
    float[] logits = logits(1);
    PlanPosterior posterior = posterior(1, 1, logits);
    int draws = 20_000;
    int[] counts = new int[1 << BITS];
    ExampleRandom random = new ExampleRandom(5, "test");
    for (int i = 0; i < draws; i++) {
      counts[posterior.draw(random, i)[0]]++;
    }
    for (int plan = 0; plan < counts.length; plan++) {
      double expected = draws * Math.exp(posterior.logProbability(0, plan));
      assertThat((double) counts[plan])
          .as("plan %d", plan)
          .isCloseTo(expected, within(5 * Math.sqrt(expected) + 1));
    }
  }

  @Test
  void certainBitsAreNeverMistaken() {
    float[] certain = {100, -100, 100, 100, -100, -100};
    PlanPosterior posterior = posterior(1, 1, certain);
    assertThat(posterior.likeliest()).containsExactly(0b001101);
    ExampleRandom random = new ExampleRandom(1, "test");
    for (int i = 0; i < 1000; i++) {
      assertThat(posterior.draw(random, i)).containsExactly(0b001101);
    }
    assertThat(posterior.logProbability(0, 0b001101)).isCloseTo(0, within(1e-12));
    assertThat(posterior.logProbability(0, 0b001100)).isCloseTo(-100, within(1e-9));
  }

  @Test
  void anExamplesPlansDependNeitherOnItsRowNorOnThePaddingBehindIt() {
    float[] all = logits(3 * 4);
    int perRow = 4 * BITS;
    int[] together = posterior(3, 4, all).draw(new ExampleRandom(9, "test"), 10);
    float[] last = Arrays.copyOfRange(all, 2 * perRow, 3 * perRow);
    assertThat(posterior(1, 4, last).draw(new ExampleRandom(9, "test"), 12))
        .containsExactly(Arrays.copyOfRange(together, 8, 12));
    float[] shorter = Arrays.copyOf(last, 2 * BITS);
    assertThat(posterior(1, 2, shorter).draw(new ExampleRandom(9, "test"), 12))
        .containsExactly(Arrays.copyOfRange(together, 8, 10));
    assertThat(posterior(3, 4, all).draw(new ExampleRandom(9, "other"), 10)).isNotEqualTo(together);
    assertThat(posterior(3, 4, all).draw(new ExampleRandom(8, "test"), 10)).isNotEqualTo(together);
  }
}
