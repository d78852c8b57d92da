package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task7;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * One kernel call.
 *
 * @param body the kernel
 * @param args what its file says of its operands
 * @param a first number
 * @param b second number
 * @param groups work groups
 * @param size work items of a group
 */
@SuppressWarnings("ArrayRecordComponent") // Made once, handed to a task graph, never compared.
record Launch(
    Task7<KernelContext, FloatArray, IntArray, ShortArray, IntArray, Float, Float> body,
    int[] args,
    float a,
    float b,
    int groups,
    int size)
    implements KernelCall<IntArray> {

  /** A work item for each of {@code n} elements. */
  static Launch perItem(
      Task7<KernelContext, FloatArray, IntArray, ShortArray, IntArray, Float, Float> body,
      int n,
      Args args,
      double a,
      double b) {
    int groups = Math.ceilDiv(n, Groups.SIZE);
    return new Launch(body, args.toArray(), (float) a, (float) b, groups, Groups.SIZE);
  }

  /** A work group for each of {@code groups} rows. */
  static Launch perGroup(
      Task7<KernelContext, FloatArray, IntArray, ShortArray, IntArray, Float, Float> body,
      int groups,
      Args args,
      double a,
      double b) {
    return new Launch(body, args.toArray(), (float) a, (float) b, groups, Groups.SIZE);
  }
}
