package org.freetransformer.train;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.config.ConfigException;
import org.freetransformer.nn.sharding.ProcessGroup;
import org.jspecify.annotations.Nullable;

/**
 * The ranks that train one model together, as one of them sees it. The micro-batches of a step are
 * dealt out to them in turn; what is told of a step is added up in the order of the micro-batches,
 * so that it does not depend on the number of ranks.
 */
public final class Ranks {
  /** One rank that has the whole model, without sharding. */
  public static final Ranks ONE = new Ranks(null);

  private final @Nullable ProcessGroup group;

  private Ranks(@Nullable ProcessGroup group) {
    this.group = group;
  }

  /** The ranks of a group, which stays the caller's; the model is sharded even if there is one. */
  public static Ranks of(ProcessGroup group) {
    return new Ranks(group);
  }

  @Nullable ProcessGroup group() {
    return group;
  }

  /** This rank's number, from 0. */
  public int rank() {
    return group == null ? 0 : group.rank();
  }

  /** Number of ranks. */
  public int size() {
    return group == null ? 1 : group.size();
  }

  /** Whether this rank is the one that speaks and writes for all. */
  public boolean isFirst() {
    return rank() == 0;
  }

  /**
   * Demands that these ranks can train as a configuration says.
   *
   * @throws ConfigException if a step cannot be dealt out evenly, naming a setting that has the
   *     same step in more micro-batches
   */
  void requireShares(TrainingConfig config) {
    int microBatches = config.gradientAccumulationSteps();
    if (microBatches % size() == 0) {
      return;
    }
    long examples = (long) microBatches * config.batchSize();
    long most = Math.min(examples, TrainingConfig.MOST_MICRO_BATCHES);
    int more = microBatches;
    while (more <= most && (more % size() != 0 || examples % more != 0)) {
      more++;
    }
    throw new ConfigException(
        "training.gradient_accumulation_steps",
        "%d micro-batches a step cannot be dealt out to %d ranks evenly; %s"
            .formatted(
                microBatches,
                size(),
                more > most
                    ? "allowed are multiples of " + size()
                    : "the same step can be taken with gradient_accumulation_steps %d and batch_size %d"
                        .formatted(more, examples / more)));
  }

  /** Sums over all ranks. */
  long[] sums(long... own) {
    ProcessGroup all = group;
    if (all == null) {
      return own;
    }
    long[] sums = new long[own.length];
    try (Arena arena = Arena.ofShared()) {
      MemorySegment gathered = gather(all, arena, arena.allocateFrom(ValueLayout.JAVA_LONG, own));
      for (int i = 0; i < own.length * size(); i++) {
        sums[i % own.length] += gathered.getAtIndex(ValueLayout.JAVA_LONG, i);
      }
    }
    return sums;
  }

  /** A sum over all ranks, in their order. */
  double sum(double own) {
    ProcessGroup all = group;
    if (all == null) {
      return own;
    }
    double sum = 0;
    try (Arena arena = Arena.ofShared()) {
      MemorySegment gathered = gather(all, arena, arena.allocateFrom(ValueLayout.JAVA_DOUBLE, own));
      for (int i = 0; i < size(); i++) {
        sum += gathered.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
      }
    }
    return sum;
  }

  /**
   * The rows of all micro-batches of a step, in their order.
   *
   * @param own of this rank's micro-batches; as many, and as long, on every rank
   */
  List<float[]> inOrder(List<float[]> own) {
    ProcessGroup all = group;
    if (all == null) {
      return own;
    }
    int length = own.getFirst().length;
    List<float[]> rows = new ArrayList<>();
    try (Arena arena = Arena.ofShared()) {
      MemorySegment mine = arena.allocate(ValueLayout.JAVA_FLOAT, (long) own.size() * length);
      for (int i = 0; i < own.size(); i++) {
        MemorySegment.copy(own.get(i), 0, mine, ValueLayout.JAVA_FLOAT, 4L * i * length, length);
      }
      MemorySegment gathered = gather(all, arena, mine);
      for (int m = 0; m < own.size() * size(); m++) {
        long row = (long) (m % size()) * own.size() + m / size();
        rows.add(gathered.asSlice(4 * row * length, 4L * length).toArray(ValueLayout.JAVA_FLOAT));
      }
    }
    return rows;
  }

  private static MemorySegment gather(ProcessGroup group, Arena arena, MemorySegment mine) {
    MemorySegment all = arena.allocate(mine.byteSize() * group.size(), Long.BYTES);
    group.allGather(mine, all).run();
    return all;
  }

  /** Whether it is so on any rank. */
  boolean any(boolean here) {
    return sums(here ? 1 : 0)[0] > 0;
  }

  /**
   * The first rank's number, on all ranks.
   *
   * @param here used on the first rank alone
   */
  public long fromFirst(long here) {
    return sums(isFirst() ? here : 0)[0];
  }

  /**
   * Whether it is so on the first rank, told to all.
   *
   * @param here used on the first rank alone
   */
  boolean firstFinds(boolean here) {
    return fromFirst(here ? 1 : 0) == 1;
  }

  /** Waits until all ranks have come to this point. */
  public void meet() {
    if (group != null) {
      group.barrier().run();
    }
  }

  /** Seconds that each rank has waited for others in exchanges so far; all ranks ask together. */
  public List<Double> waits() {
    ProcessGroup all = group;
    if (all == null) {
      return List.of(0.0);
    }
    List<Double> waits = new ArrayList<>();
    try (Arena arena = Arena.ofShared()) {
      double own = all.waitedNanos() * 1e-9;
      MemorySegment gathered = gather(all, arena, arena.allocateFrom(ValueLayout.JAVA_DOUBLE, own));
      for (int i = 0; i < size(); i++) {
        waits.add(gathered.getAtIndex(ValueLayout.JAVA_DOUBLE, i));
      }
    }
    return waits;
  }
}
