package org.freetransformer.gpu;

import org.freetransformer.tensor.Philox;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Random numbers as functions of (seed, step, salt, element index): Philox4x32-10, as {@code
 * org.freetransformer.tensor.Philox} says. Args: {@link Views} (output; input), then {@code
 * [accumulate, rng, salt]}, rng being where the state stands among the ints.
 */
final class RandomKernels {
  private static final long LOW = 0xFFFFFFFFL;

  private RandomKernels() {}

  /** u(i) in [0, 1). */
  static float uniform(IntArray ints, int rng, int salt, int i) {
    int key0 = ints.get(rng);
    int key1 = ints.get(rng + 1);
    int x0 = i / 4;
    int x1 = salt;
    int x2 = ints.get(rng + 2);
    int x3 = ints.get(rng + 3);
    for (int round = 0; round < Philox.ROUNDS; round++) {
      long product0 = 0xD2511F53L * (x0 & LOW);
      long product1 = 0xCD9E8D57L * (x2 & LOW);
      x0 = (int) (product1 >> 32) ^ x1 ^ key0;
      x1 = (int) product1;
      x2 = (int) (product0 >> 32) ^ x3 ^ key1;
      x3 = (int) product0;
      key0 += Philox.KEY_STEP_0;
      key1 += Philox.KEY_STEP_1;
    }
    int lane = i % 4;
    int word = lane == 0 ? x0 : (lane == 1 ? x1 : (lane == 2 ? x2 : x3));
    return (float) ((word >> 8) & 0xFFFFFF) * 0x1p-24f;
  }

  /** {@code a + (b − a)·u}. */
  static void uniforms(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int end = Views.FIRST + Views.SIZE;
      float u = uniform(ints, args.get(end + 1), args.get(end + 2), i);
      floats.set(Views.at(args, 0, i), a + (b - a) * u);
    }
  }

  /** Mean a, deviation b; elements 2j and 2j + 1 share a Box-Muller pair. */
  static void normals(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int end = Views.FIRST + Views.SIZE;
      int rng = args.get(end + 1);
      int salt = args.get(end + 2);
      int first = i - i % 2;
      float radius = TornadoMath.sqrt(-2f * TornadoMath.log(1f - uniform(ints, rng, salt, first)));
      float turn = uniform(ints, rng, salt, first + 1);
      // The quarter is exact, so that the angle within it keeps its precision.
      int quarter = (int) (turn * 4f);
      float angle = 6.2831855f * (turn - quarter * 0.25f);
      float cosine = TornadoMath.cos(angle);
      float sine = TornadoMath.sin(angle);
      int wanted = i == first ? quarter : (quarter + 3) % 4;
      // cos(angle + quarter·π/2); a sine is a cosine a quarter earlier.
      float z = wanted == 0 ? cosine : (wanted == 1 ? -sine : (wanted == 2 ? -cosine : sine));
      floats.set(Views.at(args, 0, i), a + b * radius * z);
    }
  }

  /** Kept where u ≥ a, and multiplied by b = 1/(1 − a). */
  static void dropout(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int end = Views.FIRST + 2 * Views.SIZE;
      int out = Views.at(args, 0, i);
      float x = floats.get(Views.at(args, 1, i));
      float u = uniform(ints, args.get(end + 1), args.get(end + 2), i);
      float y = u >= a ? x * b : 0f;
      Scalars.put(floats, out, y, args.get(end));
    }
  }
}
