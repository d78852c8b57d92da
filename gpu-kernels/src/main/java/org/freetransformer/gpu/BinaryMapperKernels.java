package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * The gradient that passes the one-hot plan to its logits: {@code Σ_d g_d·G_d·(b_h(d) − p_h)}, with
 * {@code g_d = ⟨dr, table_d⟩} and {@code G_d = Π_h p_h^b (1−p_h)^(1−b)}. One work group a row; what
 * is kept of the plans are two sums a bit, over those with it and those without, so that 1 − p may
 * come from σ(−logit) and nothing cancels.
 *
 * <p>Args: {@code [H, D, logits, indices, dr, table, dlogits, accumulate]}, and for all plans
 * {@code [first row, g of it]}.
 */
final class BinaryMapperKernels {
  private static final int FIRST = 8;
  private static final int PRODUCTS = 9;
  private static final int MOST_BITS = 20;
  private static final int LOW_BITS = 6; // Of a plan; a work item keeps to one value of them.

  private BinaryMapperKernels() {}

  /** Over all 2^H plans, for the rows from FIRST on whose g are in memory, row by row. */
  static void full(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    float[] chances = c.allocateFloatLocalArray(2 * MOST_BITS);
    float[] sums = new float[2 * MOST_BITS];
    int bits = args.get(0);
    int row = args.get(FIRST) + c.groupIdx;
    int logits = args.get(2) + row * bits;
    int plans = 1 << bits;
    int products = args.get(PRODUCTS) + c.groupIdx * plans;
    if (c.localIdx < 2 * bits) {
      float logit = floats.get(logits + c.localIdx / 2);
      chances[c.localIdx] = Scalars.sigmoid((c.localIdx & 1) == 1 ? logit : -logit);
    }
    c.localBarrier();
    float all = 0f;
    for (int i = 0; i < 2 * MOST_BITS; i++) {
      sums[i] = 0f;
    }
    for (int d = c.localIdx; d < plans; d += Groups.SIZE) {
      float probability = 1f;
      for (int h = 0; h < bits; h++) {
        probability *= chances[2 * h + ((d >> h) & 1)];
      }
      float weighted = floats.get(products + d) * probability;
      all += weighted;
      for (int h = LOW_BITS; h < bits; h++) {
        int at = 2 * h + ((d >> h) & 1);
        sums[at] = sums[at] + weighted;
      }
    }
    for (int h = 0; h < bits; h++) {
      float zero = sums[2 * h];
      float one = sums[2 * h + 1];
      if (h < LOW_BITS) {
        int bit = (c.localIdx >> h) & 1;
        zero = bit == 1 ? 0f : all;
        one = bit == 1 ? all : 0f;
      }
      float withoutBit = Groups.sum(c, scratch, zero);
      float withBit = Groups.sum(c, scratch, one);
      if (c.localIdx == 0) {
        float logit = floats.get(logits + h);
        float towards = withBit * Scalars.sigmoid(-logit);
        float away = withoutBit * Scalars.sigmoid(logit);
        Scalars.put(floats, args.get(6) + row * bits + h, towards - away, args.get(7));
      }
    }
  }

  /** Over the drawn plan alone. */
  static void sampled(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    int bits = args.get(0);
    int columns = args.get(1);
    int row = c.groupIdx;
    int logits = args.get(2) + row * bits;
    int d = ints.get(args.get(3) + row);
    float mine = 0f;
    for (int k = c.localIdx; k < columns; k += Groups.SIZE) {
      mine +=
          floats.get(args.get(4) + row * columns + k) * floats.get(args.get(5) + d * columns + k);
    }
    float weighted = Groups.sum(c, scratch, mine) * probability(floats, logits, bits, d);
    for (int h = c.localIdx; h < bits; h += Groups.SIZE) {
      float logit = floats.get(logits + h);
      float slope = ((d >> h) & 1) == 1 ? Scalars.sigmoid(-logit) : -Scalars.sigmoid(logit);
      Scalars.put(floats, args.get(6) + row * bits + h, weighted * slope, args.get(7));
    }
  }

  private static float probability(FloatArray floats, int logits, int bits, int d) {
    float product = 1f;
    for (int h = 0; h < bits; h++) {
      float logit = floats.get(logits + h);
      product *= Scalars.sigmoid(((d >> h) & 1) == 1 ? logit : -logit);
    }
    return product;
  }
}
