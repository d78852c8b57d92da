package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** The latent plan: drawing it, its bits, and its divergence from the uniform prior. */
final class PlanKernels {
  private static final float LN_2 = 0.6931472f;

  private PlanKernels() {}

  /** Args: {@code [rows, H, logits, indices, rng or −1, salt]}; a work item a row. */
  static void sample(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int n = c.globalIdx;
    if (n < args.get(0)) {
      int bits = args.get(1);
      int index = 0;
      for (int h = 0; h < bits; h++) {
        float logit = floats.get(args.get(2) + n * bits + h);
        int one = logit > 0f ? 1 : 0;
        if (args.get(4) >= 0) {
          float u = RandomKernels.uniform(ints, args.get(4), args.get(5), n * bits + h);
          one = u < Scalars.sigmoid(logit) ? 1 : 0;
        }
        index = index | (one << h);
      }
      ints.set(args.get(3) + n, index);
    }
  }

  /** Args: {@code [n·H, H, indices, out, accumulate]}; a work item a bit, −1 or +1. */
  static void bits(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int bits = args.get(1);
      int index = ints.get(args.get(2) + i / bits);
      float value = ((index >> (i % bits)) & 1) == 1 ? 1f : -1f;
      int out = args.get(3) + i;
      Scalars.put(floats, out, value, args.get(4));
    }
  }

  /** Args: {@code [rows, H, logits, kl, accumulate]}; a work item a row. */
  static void kl(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int n = c.globalIdx;
    if (n < args.get(0)) {
      int bits = args.get(1);
      float sum = 0f;
      for (int h = 0; h < bits; h++) {
        float logit = floats.get(args.get(2) + n * bits + h);
        // ln σ(l) = −softplus(−l): never 0·∞.
        sum +=
            LN_2
                - Scalars.sigmoid(logit) * Scalars.softplus(-logit)
                - Scalars.sigmoid(-logit) * Scalars.softplus(logit);
      }
      int out = args.get(3) + n;
      Scalars.put(floats, out, sum, args.get(4));
    }
  }

  /** Args: {@code [n·H, H, logits, dkl, dlogits, accumulate]}; a work item a logit. */
  static void klBackward(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      float logit = floats.get(args.get(2) + i);
      float gradient =
          logit
              * Scalars.sigmoid(logit)
              * Scalars.sigmoid(-logit)
              * floats.get(args.get(3) + i / args.get(1));
      int out = args.get(4) + i;
      Scalars.put(floats, out, gradient, args.get(5));
    }
  }
}
