package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * What the host wrote since the last run, brought to its places in the heaps: TornadoVM copies
 * whole arrays only, so that changes travel in a small one. A work group moves one piece of at most
 * {@link #PIECE} words; the table holds {@code [place, words]} for each.
 */
final class TransferKernels {
  /** Words of a piece. */
  static final int PIECE = 64;

  private TransferKernels() {}

  static void uploadFloats(
      KernelContext c, FloatArray staging, IntArray table, FloatArray heap, float a, float b) {
    int piece = c.groupIdx;
    int me = c.localIdx;
    if (me < table.get(2 * piece + 1)) {
      heap.set(table.get(2 * piece) + me, staging.get(piece * PIECE + me));
    }
  }

  static void uploadInts(
      KernelContext c, IntArray staging, IntArray table, IntArray heap, float a, float b) {
    int piece = c.groupIdx;
    int me = c.localIdx;
    if (me < table.get(2 * piece + 1)) {
      heap.set(table.get(2 * piece) + me, staging.get(piece * PIECE + me));
    }
  }

  static void uploadHalves(
      KernelContext c, ShortArray staging, IntArray table, ShortArray heap, float a, float b) {
    int piece = c.groupIdx;
    int me = c.localIdx;
    if (me < table.get(2 * piece + 1)) {
      heap.set(table.get(2 * piece) + me, staging.get(piece * PIECE + me));
    }
  }
}
