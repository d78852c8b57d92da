package org.freetransformer.nn.sharding;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.BiConsumer;
import org.freetransformer.tensor.DType;

/**
 * Ranks that are threads of one process and read each other's memory: a gathering is a copy, and
 * each rank adds up its own part of a sum.
 */
final class InProcessCollectives implements Collectives {
  private final Meeting meeting;
  private final int rank;
  private final int failsAs;
  private final RankSums sums = new RankSums();
  private int splits;

  InProcessCollectives(Meeting meeting, int rank) {
    this(meeting, rank, rank);
  }

  /** A rank of a part of the group, known by another number in the whole. */
  private InProcessCollectives(Meeting meeting, int rank, int failsAs) {
    this.meeting = meeting;
    this.rank = rank;
    this.failsAs = failsAs;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return meeting.ranks();
  }

  @Override
  public void allGather(MemorySegment mine, MemorySegment all) {
    gather(mine, all, (from, to) -> to.copyFrom(from));
  }

  @Override
  public void allGatherRounded(MemorySegment mine, MemorySegment all) {
    gather(mine, all, Numbers::round);
  }

  private void gather(
      MemorySegment mine, MemorySegment all, BiConsumer<MemorySegment, MemorySegment> copy) {
    meeting.arrive(rank, mine);
    long part = mine.byteSize();
    for (int other = 0; other < size(); other++) {
      copy.accept(meeting.shownBy(other), all.asSlice(other * part, part));
    }
    meeting.pass();
  }

  @Override
  public void reduceScatter(MemorySegment all, DType travelling, MemorySegment mine) {
    meeting.arrive(rank, all);
    long part = mine.byteSize();
    sums.add(mine, other -> meeting.shownBy(other).asSlice(rank * part, part), travelling, size());
    meeting.pass();
  }

  @Override
  public void allReduce(MemorySegment values, DType travelling) {
    meeting.arrive(rank, values);
    long from = partStart(values, rank);
    long length = partStart(values, rank + 1) - from;
    sums.replace(
        values.asSlice(from, length),
        other -> meeting.shownBy(other).asSlice(from, length),
        travelling,
        size());
    meeting.pass();
    for (int other = 0; other < size(); other++) {
      long start = partStart(values, other);
      long bytes = partStart(values, other + 1) - start;
      if (other != rank) {
        MemorySegment.copy(meeting.shownBy(other), start, values, start, bytes);
      }
    }
    meeting.pass();
  }

  /** Where the part of the sum that a rank computes begins, in bytes. */
  private long partStart(MemorySegment values, int of) {
    long elements = values.byteSize() / Float.BYTES;
    return elements * of / size() * Float.BYTES;
  }

  @Override
  public void broadcast(MemorySegment bytes, int root) {
    meeting.arrive(rank, bytes);
    if (rank != root) {
      bytes.copyFrom(meeting.shownBy(root));
    }
    meeting.pass();
  }

  @Override
  public void barrier() {
    meeting.pass();
  }

  @Override
  public Collectives split(int color) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment mine = arena.allocateFrom(ValueLayout.JAVA_INT, color);
      MemorySegment all = arena.allocate(ValueLayout.JAVA_INT, size());
      allGather(mine, all);
      int members = 0;
      int before = 0;
      for (int other = 0; other < size(); other++) {
        if (all.getAtIndex(ValueLayout.JAVA_INT, other) == color) {
          members++;
          before += other < rank ? 1 : 0;
        }
      }
      Meeting side = meeting.side(splits++ * size() + color, members);
      return new InProcessCollectives(side, before, failsAs);
    }
  }

  @Override
  public void abort(Throwable cause) {
    meeting.fail(new RankFailure(failsAs, cause));
  }

  @Override
  public void close() {}
}
