package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** What no kernel can beat: multiply-adds on registers, and a copy of whole rows of words. */
final class CeilingKernels {
  /** Words that a work item of a copy moves. */
  static final int WORDS = 4;

  /** Floating-point operations of a work item of {@link #multiplyAdds}, or of one round. */
  static final int FLOPS = 2 * 8 * 32;

  private CeilingKernels() {}

  /**
   * Args: {@code [out]}, a number for each work item. Eight sums, none of which waits for another,
   * and no loop, so that a compiler for a processor puts neighbouring items into one vector.
   */
  static void multiplyAdds(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int at = args.get(0) + c.globalIdx;
    float x = floats.get(at);
    float s0 = eight(x, a, b);
    float s1 = eight(x + 1f, a, b);
    float s2 = eight(x + 2f, a, b);
    float s3 = eight(x + 3f, a, b);
    float s4 = eight(x + 4f, a, b);
    float s5 = eight(x + 5f, a, b);
    float s6 = eight(x + 6f, a, b);
    float s7 = eight(x + 7f, a, b);
    s0 = eight(eight(eight(s0, a, b), a, b), a, b);
    s1 = eight(eight(eight(s1, a, b), a, b), a, b);
    s2 = eight(eight(eight(s2, a, b), a, b), a, b);
    s3 = eight(eight(eight(s3, a, b), a, b), a, b);
    s4 = eight(eight(eight(s4, a, b), a, b), a, b);
    s5 = eight(eight(eight(s5, a, b), a, b), a, b);
    s6 = eight(eight(eight(s6, a, b), a, b), a, b);
    s7 = eight(eight(eight(s7, a, b), a, b), a, b);
    floats.set(at, (s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7) * 0.125f);
  }

  /**
   * Args: {@code [out, rounds]}: the same in rounds, for a device that a launch of the other would
   * keep busy for no longer than a launch takes by itself.
   */
  static void roundsOfMultiplyAdds(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int at = args.get(0) + c.globalIdx;
    float x = floats.get(at);
    float s0 = x;
    float s1 = x + 1f;
    float s2 = x + 2f;
    float s3 = x + 3f;
    float s4 = x + 4f;
    float s5 = x + 5f;
    float s6 = x + 6f;
    float s7 = x + 7f;
    for (int i = 0; i < args.get(1); i++) {
      s0 = eight(eight(eight(eight(s0, a, b), a, b), a, b), a, b);
      s1 = eight(eight(eight(eight(s1, a, b), a, b), a, b), a, b);
      s2 = eight(eight(eight(eight(s2, a, b), a, b), a, b), a, b);
      s3 = eight(eight(eight(eight(s3, a, b), a, b), a, b), a, b);
      s4 = eight(eight(eight(eight(s4, a, b), a, b), a, b), a, b);
      s5 = eight(eight(eight(eight(s5, a, b), a, b), a, b), a, b);
      s6 = eight(eight(eight(eight(s6, a, b), a, b), a, b), a, b);
      s7 = eight(eight(eight(eight(s7, a, b), a, b), a, b), a, b);
    }
    floats.set(at, (s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7) * 0.125f);
  }

  private static float eight(float x, float a, float b) {
    float y = x * a + b;
    y = y * a + b;
    y = y * a + b;
    y = y * a + b;
    y = y * a + b;
    y = y * a + b;
    y = y * a + b;
    return y * a + b;
  }

  /** Args: {@code [in, out]}: a group moves {@link #WORDS} rows of a word for each of its items. */
  static void copy(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int first = c.groupIdx * Groups.SIZE * WORDS + c.localIdx;
    int in = args.get(0) + first;
    int out = args.get(1) + first;
    for (int i = 0; i < WORDS; i++) {
      floats.set(out + i * Groups.SIZE, floats.get(in + i * Groups.SIZE));
    }
  }
}
