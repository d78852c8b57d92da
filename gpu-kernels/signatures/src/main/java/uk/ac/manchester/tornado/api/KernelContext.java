package uk.ac.manchester.tornado.api;

import org.jspecify.annotations.Nullable;

/** Where a work item stands, and what it shares with its group. */
public class KernelContext {
  /** Number of the work item. */
  public final Integer globalIdx;

  /** Number of its group. */
  public final Integer groupIdx;

  /** Its number within the group. */
  public final Integer localIdx;

  private final @Nullable WorkGroup group;
  private int allocations;

  /** A placeholder in a task's arguments: each work item gets a context of its own. */
  public KernelContext() {
    this(0, 0, 1, null);
  }

  KernelContext(int groupIdx, int localIdx, int groupSize, @Nullable WorkGroup group) {
    this.globalIdx = groupIdx * groupSize + localIdx;
    this.groupIdx = groupIdx;
    this.localIdx = localIdx;
    this.group = group;
  }

  /** Waits for all items of the group. */
  public void localBarrier() {
    requireGroup().await();
  }

  /** The group's array: the same one for every item's n-th allocation. */
  public float[] allocateFloatLocalArray(int size) {
    return requireGroup().array(allocations++, size);
  }

  private WorkGroup requireGroup() {
    if (group == null) {
      throw new WorkGroup.Needed();
    }
    return group;
  }
}
