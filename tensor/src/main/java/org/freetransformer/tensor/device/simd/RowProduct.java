package org.freetransformer.tensor.device.simd;

import org.freetransformer.tensor.device.Kernel;

/**
 * A product of which the caller prepares the left side and the team then computes parts, each on
 * its own: so several of them can be computed at one meeting of the team.
 */
interface RowProduct extends Kernel, ThreadTeam.Task {
  /**
   * Whether it is short enough that a meeting of its own counts, and keeps its left side itself.
   */
  boolean isSmall();

  /** What the caller does before the first part. */
  void begin();

  /** Number of parts, whose indices {@link #run(int, int)} takes. */
  int parts();
}
