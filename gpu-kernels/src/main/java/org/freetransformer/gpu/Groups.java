package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;

/** Sums and maxima over a work group, by halving, in a fixed order. */
final class Groups {
  /** Work items of a group that shares a row. */
  static final int SIZE = 64;

  /**
   * Floats of local memory for {@link #sum} and {@link #max}. Where a method that a kernel calls
   * uses a local array which it is given, TornadoVM 5.2 takes the offset in bytes from an array's
   * header for the index, so that element i is at 4 · i + 16.
   */
  static final int SCRATCH = 4 * SIZE + 16;

  private Groups() {}

  /**
   * The sum of every item's {@code value}, in all items; {@code scratch} has {@link #SCRATCH} and
   * is for this alone.
   */
  static float sum(KernelContext c, float[] scratch, float value) {
    int me = c.localIdx;
    scratch[me] = value;
    c.localBarrier();
    for (int half = SIZE / 2; half > 0; half >>= 1) {
      if (me < half) {
        scratch[me] += scratch[me + half];
      }
      c.localBarrier();
    }
    float result = scratch[0];
    c.localBarrier();
    return result;
  }

  /** The largest of every item's {@code value}, in all items. */
  static float max(KernelContext c, float[] scratch, float value) {
    int me = c.localIdx;
    scratch[me] = value;
    c.localBarrier();
    for (int half = SIZE / 2; half > 0; half >>= 1) {
      if (me < half) {
        scratch[me] = Scalars.max(scratch[me], scratch[me + half]);
      }
      c.localBarrier();
    }
    float result = scratch[0];
    c.localBarrier();
    return result;
  }
}
