package org.freetransformer.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.freetransformer.data.Batch;
import org.junit.jupiter.api.Test;

final class PlanTallyTest {
  private static final double LN_2 = Math.log(2);
  private static final float SURE = 40;
  private static final Offset<Double> NEAR = Offset.offset(0.01);

  private final Random random = new Random(3);

  /** Plan logits of one bit as a function of text, position and next token. */
  private interface Encoder {
    double logit(int text, int position, int nextToken);
  }

  private PlanStatistics.Bit statistics(int texts, int length, int vocabulary, Encoder encoder) {
    PlanTally tally = new PlanTally(1);
    for (int text = 0; text < texts; text++) {
      int[] targets = random.ints(length, 0, vocabulary).toArray();
      float[] logits = new float[length];
      for (int t = 0; t < length; t++) {
        logits[t] = (float) encoder.logit(text, t, targets[t]);
      }
      tally.add(new Batch(new int[length], targets, 1, length), logits);
    }
    return tally.statistics().bits().getFirst();
  }

  private static void requireParts(PlanStatistics.Bit bit) {
    assertThat(bit.kl())
        .isCloseTo(LN_2 - bit.entropy() + bit.positionInformation() + bit.textInformation(), NEAR);
  }

  @Test
  void aCollapsedPlanSaysNothing() {
    PlanStatistics.Bit bit = statistics(100, 16, 5, (_, _, _) -> 0);
    assertThat(bit.entropy()).isCloseTo(LN_2, NEAR);
    assertThat(bit.kl() + bit.textInformation() + bit.positionInformation()).isLessThan(1e-9);
    assertThat(bit.tokenInformation()).isLessThan(1e-9);
  }

  @Test
  void aConstantBitCostsItsKlAndSaysNothing() {
    PlanStatistics.Bit bit = statistics(100, 16, 5, (_, _, _) -> SURE);
    assertThat(bit.kl()).isCloseTo(LN_2, NEAR);
    assertThat(bit.entropy() + bit.textInformation() + bit.positionInformation()).isLessThan(1e-9);
  }

  @Test
  void aBitThatFollowsThePositionSaysThatAlone() {
    PlanStatistics.Bit bit = statistics(200, 16, 5, (_, t, _) -> t < 8 ? SURE : -SURE);
    assertThat(bit.positionInformation()).isCloseTo(LN_2, NEAR);
    assertThat(bit.textInformation()).isCloseTo(0, NEAR);
    assertThat(bit.tokenInformation()).isCloseTo(0, NEAR);
    requireParts(bit);
  }

  @Test
  void aBitThatCopiesTheNextTokenIsSeenToDoSo() {
    PlanStatistics.Bit bit = statistics(400, 16, 4, (_, _, next) -> next < 2 ? SURE : -SURE);
    assertThat(bit.tokenInformation()).isCloseTo(LN_2, NEAR);
    assertThat(bit.textInformation()).isCloseTo(LN_2, NEAR);
    assertThat(bit.positionInformation()).isCloseTo(0, NEAR);
    requireParts(bit);
  }

  @Test
  void aBitOfTheTextAloneCopiesNoToken() {
    PlanStatistics.Bit bit = statistics(400, 16, 4, (text, _, _) -> text % 2 == 0 ? 1 : -1);
    double p = 1 / (1 + Math.exp(-1));
    double given = -p * Math.log(p) - (1 - p) * Math.log(1 - p);
    assertThat(bit.textInformation()).isCloseTo(LN_2 - given, NEAR);
    assertThat(bit.tokenInformation()).isCloseTo(0, NEAR);
    requireParts(bit);
  }

  /** Without the correction, 30 tokens of some 20 samples each would seem to tell 0.025 nats. */
  @Test
  void chanceIsNotTakenForInformation() {
    double token = 0;
    double position = 0;
    for (int i = 0; i < 50; i++) {
      PlanStatistics.Bit bit =
          statistics(20, 30, 30, (_, _, _) -> random.nextBoolean() ? SURE : -SURE);
      token += bit.tokenInformation() / 50;
      position += bit.positionInformation() / 50;
    }
    assertThat(token).isLessThan(0.008);
    assertThat(position).isLessThan(0.008);
  }

  @Test
  void countsPlansThatCanHelpACountedTarget() {
    PlanTally tally = new PlanTally(2);
    int[] targets = {Batch.IGNORE, 3, Batch.IGNORE};
    float[] logits = {0, SURE, 0, SURE, SURE, -SURE};
    tally.add(new Batch(new int[3], targets, 1, 3), logits);
    PlanStatistics statistics = tally.statistics();
    assertThat(statistics.positions()).isEqualTo(2);
    assertThat(statistics.bits().get(0).kl()).isCloseTo(0, NEAR);
    assertThat(statistics.bits().get(1).kl()).isCloseTo(LN_2, NEAR);
  }

  @Test
  void theWholeIsTheSameInOneBatchOrMany() {
    float[] logits = new float[8 * 5 * 3];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian();
    }
    int[] targets = random.ints(8 * 5, 0, 4).toArray();
    PlanTally once = new PlanTally(3);
    once.add(new Batch(new int[40], targets, 8, 5), logits);
    PlanTally twice = new PlanTally(3);
    for (int half = 0; half < 2; half++) {
      twice.add(
          new Batch(new int[20], Arrays.copyOfRange(targets, 20 * half, 20 * half + 20), 4, 5),
          Arrays.copyOfRange(logits, 60 * half, 60 * half + 60));
    }
    assertThat(twice.statistics()).isEqualTo(once.statistics());
    assertThat(once.statistics().entropyUsed()).isBetween(0.0, 1.0);
  }

  @Test
  void refusesWhatItCannotCount() {
    PlanTally tally = new PlanTally(2);
    assertThatThrownBy(() -> tally.add(new Batch(new int[1], new int[1], 1, 1), new float[3]))
        .hasMessageContaining("3 plan logits for 1 positions of 2 bits");
    assertThatThrownBy(tally::statistics).hasMessageContaining("no plan was counted");
  }
}
