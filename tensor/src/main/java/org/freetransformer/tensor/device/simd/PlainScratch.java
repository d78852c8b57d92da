package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;

/**
 * Arrays on the heap for {@link PlainLoops}, which all of them share: nothing survives a run. For
 * the thread that runs kernels, not for its team.
 */
final class PlainScratch {
  private static final int SLOTS = 5;

  private final float[][] arrays = new float[SLOTS][0];

  /** An array of at least so many numbers, of any content; another for each slot below 5. */
  float[] array(int slot, int floats) {
    if (arrays[slot].length < floats) {
      arrays[slot] = new float[floats];
    }
    return arrays[slot];
  }

  /** The same, filled from the start with the first numbers of a segment. */
  float[] copy(int slot, MemorySegment from, int floats) {
    float[] array = array(slot, floats);
    MemorySegment.copy(from, Memory.FLOAT, 0, array, 0, floats);
    return array;
  }
}
