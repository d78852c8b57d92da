package org.freetransformer.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.data.Batch;

/**
 * How well one can guess a plan's bits without the encoder: from the position alone, and from the
 * token alone that the plan is the first to help with. A guess is the majority's, learned on one
 * half of the texts and judged on the other, so that what is only chance does not count.
 *
 * <p>All is computed from the encoder's probabilities: the accuracy of guessing 1 at a bit with
 * probability p is p.
 */
public final class PlanProbe {
  private final int bits;
  private final BitSums[] all = new BitSums[2];
  private final List<BitSums[]> byPosition = new ArrayList<>();
  private final Map<Integer, BitSums[]> byToken = new HashMap<>();

  /**
   * Shares of bits that are guessed right on texts that no guess was learned from, ½ to 1.
   *
   * @param majority always guessing the commoner value
   * @param position by the position
   * @param token by the token to be predicted
   */
  public record Accuracy(double majority, double position, double token) {}

  /**
   * A probe of nothing.
   *
   * @param bits H
   */
  public PlanProbe(int bits) {
    this.bits = bits;
    Arrays.setAll(all, _ -> new BitSums(bits));
  }

  /**
   * Takes in the plans that an encoder inferred for a batch: texts of even number teach, those of
   * odd number judge.
   *
   * @param batch its texts; plans count where {@link BatchTensors#planCounts} says so
   * @param firstExample number of the text in row 0
   * @param planLogits [B, T, H], end to end
   * @throws IllegalArgumentException if there are not B·T·H logits
   */
  public void add(Batch batch, long firstExample, float[] planLogits) {
    while (byPosition.size() < batch.length()) {
      byPosition.add(halves(bits));
    }
    CountedPlans.forEach(
        batch,
        planLogits,
        bits,
        (row, position, target, p) -> {
          int half = (int) ((firstExample + row) % 2);
          all[half].add(p);
          byPosition.get(position)[half].add(p);
          if (target != Batch.IGNORE) {
            byToken.computeIfAbsent(target, _ -> halves(bits))[half].add(p);
          }
        });
  }

  private static BitSums[] halves(int bits) {
    return new BitSums[] {new BitSums(bits), new BitSums(bits)};
  }

  /** Accuracies of each bit [H]; NaN where no text is left to judge. */
  public List<Accuracy> accuracies() {
    List<Accuracy> accuracies = new ArrayList<>();
    for (int h = 0; h < bits; h++) {
      accuracies.add(
          new Accuracy(
              accuracy(List.<BitSums[]>of(all), h),
              accuracy(byPosition, h),
              accuracy(byToken.values(), h)));
    }
    return accuracies;
  }

  private double accuracy(Iterable<BitSums[]> groups, int bit) {
    double right = 0;
    long judged = 0;
    for (BitSums[] group : groups) {
      // A group that was never seen before is guessed as the whole.
      BitSums teacher = group[0].count() > 0 ? group[0] : all[0];
      boolean guess = 2 * teacher.sum(bit) >= teacher.count();
      right += guess ? group[1].sum(bit) : group[1].count() - group[1].sum(bit);
      judged += group[1].count();
    }
    return right / judged;
  }

  /** Mean probability of each bit at each position, [T][H]. */
  public double[][] meansByPosition() {
    return byPosition.stream().map(this::means).toArray(double[][]::new);
  }

  /** Mean probability of each bit [H] before each of the {@code most} commonest tokens. */
  public Map<Integer, double[]> meansByToken(int most) {
    Map<Integer, double[]> means = new LinkedHashMap<>();
    Comparator<Map.Entry<Integer, BitSums[]>> byCount =
        Comparator.comparingLong(entry -> -count(entry.getValue()));
    byToken.entrySet().stream()
        .sorted(byCount.thenComparing(Map.Entry::getKey))
        .limit(most)
        .forEach(entry -> means.put(entry.getKey(), means(entry.getValue())));
    return means;
  }

  private static long count(BitSums[] halves) {
    return halves[0].count() + halves[1].count();
  }

  /** Mean probabilities in both halves [H]; ½ where nothing was seen. */
  private double[] means(BitSums[] halves) {
    double[] means = new double[bits];
    long count = count(halves);
    Arrays.setAll(means, h -> count == 0 ? 0.5 : (halves[0].sum(h) + halves[1].sum(h)) / count);
    return means;
  }
}
