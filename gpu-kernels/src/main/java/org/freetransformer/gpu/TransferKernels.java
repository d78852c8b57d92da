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

  /** Pieces of each type that land together at most. */
  static final int LANDED = 8;

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

  /**
   * Leaves all as it is: TornadoVM has no graph without a task, nor copies what no task touches.
   */
  static void keep(
      KernelContext c, FloatArray floats, IntArray ints, IntArray table, float a, float b) {
    if (c.globalIdx == 0) {
      floats.set(0, floats.get(0));
      ints.set(0, ints.get(0));
    }
  }

  /** The same for panels. */
  static void keepPanels(
      KernelContext c, FloatArray one, FloatArray two, FloatArray three, float a, float b) {
    if (c.globalIdx == 0) {
      one.set(0, one.get(0));
      two.set(0, two.get(0));
      three.set(0, three.get(0));
    }
  }

  /**
   * Words that landed, each to its place; the table holds {@code [first, place, words]} for each
   * piece.
   */
  static void moveFloats(
      KernelContext c, FloatArray landed, IntArray table, FloatArray heap, float a, float b) {
    int me = c.globalIdx;
    for (int piece = 0; piece < LANDED; piece++) {
      int at = me - table.get(3 * piece);
      if (at >= 0 && at < table.get(3 * piece + 2)) {
        heap.set(table.get(3 * piece + 1) + at, landed.get(me));
      }
    }
  }

  static void moveInts(
      KernelContext c, IntArray landed, IntArray table, IntArray heap, float a, float b) {
    int me = c.globalIdx;
    for (int piece = 0; piece < LANDED; piece++) {
      int at = me - table.get(3 * piece);
      if (at >= 0 && at < table.get(3 * piece + 2)) {
        heap.set(table.get(3 * piece + 1) + at, landed.get(me));
      }
    }
  }
}
