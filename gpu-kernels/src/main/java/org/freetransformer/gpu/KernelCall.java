package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task7;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * A call of a kernel.
 *
 * @param <T> of its second array: whole numbers, or a panel
 */
sealed interface KernelCall<T> extends Step permits Launch, PanelLaunch {
  /** The kernel. */
  Task7<KernelContext, FloatArray, T, ShortArray, IntArray, Float, Float> body();

  /** What the kernel's file says of its operands. */
  int[] args();

  /** First number. */
  float a();

  /** Second number. */
  float b();

  /** Work groups. */
  int groups();

  /** Work items of a group. */
  int size();
}
