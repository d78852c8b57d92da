package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task7;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * A call of a kernel that moves numbers between the heaps and one of {@link Panels}, a work item
 * for each.
 *
 * @param body the kernel, which takes the panel in place of the whole numbers
 * @param panel which of them
 * @param items numbers
 * @param args what its file says of its operands
 * @param a a number
 */
@SuppressWarnings("ArrayRecordComponent") // As in Launch.
record PanelLaunch(
    Task7<KernelContext, FloatArray, FloatArray, ShortArray, IntArray, Float, Float> body,
    Panels.Panel panel,
    int items,
    int[] args,
    float a)
    implements KernelCall<FloatArray> {

  @Override
  public float b() {
    return 0;
  }

  @Override
  public int groups() {
    return Math.ceilDiv(items, Groups.SIZE);
  }

  @Override
  public int size() {
    return Groups.SIZE;
  }
}
