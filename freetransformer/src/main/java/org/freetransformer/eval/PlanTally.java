package org.freetransformer.eval;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.data.Batch;

/**
 * Adds up what is seen of inferred plans, batch after batch, on the host and in double precision.
 *
 * <p>An information is a difference of entropies, such as {@code I(b; t) = H(b) − Σ_t P(t)·H(b |
 * t)}. The entropy of a mean probability p̂ of n samples is too small by about {@code Var(p) / (2n
 * p̂(1 − p̂))}, which is added back. For probabilities of 0 and 1 this is the correction of Miller
 * (1955); for those between it is less, as they leave less to chance. It takes samples as
 * independent, which those of different texts are. Estimates are kept within 0 and ln 2.
 */
public final class PlanTally {
  private static final double LN_2 = Math.log(2);

  private final int bits;
  private final BitSums all;
  private final List<BitSums> byPosition = new ArrayList<>();
  private final Map<Integer, BitSums> byToken = new HashMap<>();
  private final double[] conditionalEntropy;

  /**
   * A tally of nothing.
   *
   * @param bits H, at least 1
   */
  public PlanTally(int bits) {
    this.bits = bits;
    this.all = new BitSums(bits);
    this.conditionalEntropy = new double[bits];
  }

  /**
   * Takes in the plans that an encoder inferred for a batch.
   *
   * @param batch its texts; plans count where {@link BatchTensors#planCounts} says so
   * @param planLogits [B, T, H], end to end
   * @throws IllegalArgumentException if there are not B·T·H logits
   */
  public void add(Batch batch, float[] planLogits) {
    while (byPosition.size() < batch.length()) {
      byPosition.add(new BitSums(bits));
    }
    CountedPlans.forEach(
        batch,
        planLogits,
        bits,
        (_, position, target, p) -> {
          for (int h = 0; h < bits; h++) {
            conditionalEntropy[h] += BitSums.entropy(p[h]);
          }
          all.add(p);
          byPosition.get(position).add(p);
          if (target != Batch.IGNORE) {
            byToken.computeIfAbsent(target, _ -> new BitSums(bits)).add(p);
          }
        });
  }

  /**
   * What was seen.
   *
   * @throws IllegalStateException if no plan was counted
   */
  public PlanStatistics statistics() {
    if (all.count() == 0) {
      throw new IllegalStateException("no plan was counted: every target is ignored");
    }
    BitSums withToken = new BitSums(bits);
    byToken.values().forEach(withToken::addAll);
    List<PlanStatistics.Bit> statistics = new ArrayList<>();
    for (int h = 0; h < bits; h++) {
      double entropy = all.entropy(h);
      double givenPosition = meanEntropy(byPosition, h);
      double givenText = conditionalEntropy[h] / all.count();
      statistics.add(
          new PlanStatistics.Bit(
              Math.min(LN_2, entropy),
              LN_2 - givenText,
              bounded(entropy - givenPosition),
              withToken.count() == 0
                  ? 0
                  : bounded(withToken.entropy(h) - meanEntropy(byToken.values(), h)),
              bounded(givenPosition - givenText)));
    }
    return new PlanStatistics(all.count(), statistics);
  }

  private static double bounded(double information) {
    return Math.clamp(information, 0, LN_2);
  }

  /** Mean over groups, by their counts, of a bit's entropy in each. */
  private static double meanEntropy(Collection<BitSums> groups, int bit) {
    double sum = 0;
    long count = 0;
    for (BitSums group : groups) {
      if (group.count() > 0) {
        sum += group.count() * group.entropy(bit);
        count += group.count();
      }
    }
    return sum / count;
  }
}
