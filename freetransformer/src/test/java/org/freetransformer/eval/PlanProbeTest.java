package org.freetransformer.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.freetransformer.data.Batch;
import org.freetransformer.eval.PlanProbe.Accuracy;
import org.junit.jupiter.api.Test;

class PlanProbeTest {
  private static final int TEXTS = 400;
  private static final int T = 6;
  private static final int TOKENS = 4;
  private static final float SURE = 50;

  private final Random random = new Random(1);

  /** Bit 0 is the parity of its position, bit 1 says the token, bit 2 is a coin, bit 3 rare. */
  private PlanProbe probe(int texts) {
    PlanProbe probe = new PlanProbe(4);
    for (int text = 0; text < texts; text++) {
      int[] targets = random.ints(T, 0, TOKENS).toArray();
      float[] logits = new float[T * 4];
      for (int t = 0; t < T; t++) {
        logits[t * 4] = t % 2 == 0 ? SURE : -SURE;
        logits[t * 4 + 1] = targets[t] == 3 ? SURE : -SURE;
        logits[t * 4 + 2] = 0;
        logits[t * 4 + 3] = random.nextInt(10) == 0 ? SURE : -SURE;
      }
      probe.add(new Batch(new int[T], targets, 1, T), text, logits);
    }
    return probe;
  }

  @Test
  void guessesWhatPositionOrTokenTellAndNoMore() {
    List<Accuracy> found = probe(TEXTS).accuracies();
    assertThat(found.get(0).position()).isEqualTo(1);
    assertThat(found.get(0).majority()).isCloseTo(0.5, within(1e-9));
    assertThat(found.get(0).token()).isCloseTo(0.5, within(0.1));
    assertThat(found.get(1).token()).isEqualTo(1);
    assertThat(found.get(1).majority()).isCloseTo(0.75, within(0.05));
    assertThat(found.get(2)).isEqualTo(new Accuracy(0.5, 0.5, 0.5));
    assertThat(found.get(3).majority()).isCloseTo(0.9, within(0.03));
    assertThat(found.get(3).position()).isCloseTo(0.9, within(0.03));
  }

  /** With as many groups as samples, a probe judged on its own lessons would be sure. */
  @Test
  void whatIsLearnedByHeartDoesNotCount() {
    PlanProbe probe = new PlanProbe(1);
    for (int text = 0; text < 200; text++) {
      int token = text;
      float[] coin = {random.nextBoolean() ? SURE : -SURE};
      probe.add(new Batch(new int[1], new int[] {token}, 1, 1), text, coin);
    }
    assertThat(probe.accuracies().getFirst().token()).isCloseTo(0.5, within(0.15));
  }

  @Test
  void refusesLogitsOfAnotherNumberOfPositions() {
    PlanProbe probe = new PlanProbe(2);
    Batch batch = new Batch(new int[1], new int[1], 1, 1);
    for (int logits : new int[] {1, 3}) {
      assertThatThrownBy(() -> probe.add(batch, 0, new float[logits]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(logits + " plan logits for 1 positions of 2 bits");
    }
  }

  @Test
  void oneTextLeavesNoneToJudge() {
    assertThat(probe(1).accuracies().getFirst().majority()).isNaN();
  }

  @Test
  void ignoredTargetsAndPlansBehindThemAreLeftOut() {
    PlanProbe probe = new PlanProbe(1);
    int[] targets = {5, Batch.IGNORE, Batch.IGNORE};
    for (int text = 0; text < 4; text++) {
      probe.add(new Batch(new int[3], targets, 1, 3), text, new float[] {SURE, -SURE, -SURE});
    }
    assertThat(probe.accuracies()).containsExactly(new Accuracy(1, 1, 1));
    assertThat(probe.meansByToken(10)).containsOnlyKeys(5);
    assertThat(Arrays.stream(probe.meansByPosition()).mapToDouble(row -> row[0]))
        .containsExactly(1.0, 0.5, 0.5);
  }
}
