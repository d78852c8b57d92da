package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import java.util.Deque;
import org.freetransformer.tensor.DType;

/**
 * The first of several ranks that do not exist: nothing is exchanged. For planning a run on a
 * device that computes nothing.
 *
 * @param size number of ranks
 * @param partSizes sizes of the groups that this one is split into, in the order of the splits
 */
record ImaginedCollectives(int size, Deque<Integer> partSizes) implements Collectives {
  @Override
  public int rank() {
    return 0;
  }

  @Override
  public void allGather(MemorySegment mine, MemorySegment all) {}

  @Override
  public void allGatherRounded(MemorySegment mine, MemorySegment all) {}

  @Override
  public void reduceScatter(MemorySegment all, DType travelling, MemorySegment mine) {}

  @Override
  public void allReduce(MemorySegment values, DType travelling) {}

  @Override
  public void broadcast(MemorySegment bytes, int root) {}

  @Override
  public void barrier() {}

  @Override
  public Collectives split(int color) {
    return new ImaginedCollectives(partSizes.remove(), partSizes);
  }

  @Override
  public void abort(Throwable cause) {}

  @Override
  public void close() {}
}
