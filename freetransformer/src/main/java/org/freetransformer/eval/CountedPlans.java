package org.freetransformer.eval;

import org.freetransformer.data.Batch;

/** The inferred plans of a batch that count, one after the other. */
final class CountedPlans {
  private CountedPlans() {}

  /** Looks at the plan of a position. */
  @FunctionalInterface
  interface Visitor {
    /**
     * Looks at one plan.
     *
     * @param row the text's place in the batch
     * @param position in the text
     * @param target the token to be predicted there, or {@link Batch#IGNORE}
     * @param p probabilities of 1 of the plan's bits [H], which the next plan overwrites
     */
    void visit(int row, int position, int target, double[] p);
  }

  /**
   * Shows a visitor the plans that an encoder inferred, row by row.
   *
   * @param batch its texts; plans count where {@link BatchTensors#planCounts} says so
   * @param planLogits [B, T, H], end to end
   * @param bits H
   * @throws IllegalArgumentException if there are not B·T·H logits
   */
  static void forEach(Batch batch, float[] planLogits, int bits, Visitor visitor) {
    int places = batch.size() * batch.length();
    if (planLogits.length != places * bits) {
      throw new IllegalArgumentException(
          "%d plan logits for %d positions of %d bits".formatted(planLogits.length, places, bits));
    }
    double[] p = new double[bits];
    for (int row = 0; row < batch.size(); row++) {
      int counted = BatchTensors.countedPlans(batch, row);
      for (int position = 0; position < counted; position++) {
        int place = row * batch.length() + position;
        for (int h = 0; h < bits; h++) {
          p[h] = 1 / (1 + Math.exp(-planLogits[place * bits + h]));
        }
        visitor.visit(row, position, batch.targets()[place], p);
      }
    }
  }
}
