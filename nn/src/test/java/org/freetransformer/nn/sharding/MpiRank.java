package org.freetransformer.nn.sharding;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.freetransformer.nn.sharding.TinyTraining.Task;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;

/** What a process does that {@link MpiTest} starts under mpirun; prints what it found. */
final class MpiRank {
  private MpiRank() {}

  /**
   * Runs one rank.
   *
   * @param arguments {@code train}, or {@code die} and how
   */
  public static void main(String[] arguments) throws InterruptedException {
    ProcessGroup group = ProcessGroup.mpi();
    if (arguments[0].equals("train")) {
      collectives(group);
      longCollectives(group);
      for (Strategy strategy : List.of(Strategy.FULL_SHARD, Strategy.HYBRID_SHARD)) {
        ShardingPlan plan = ShardingPlan.of(strategy).withNodeRanks(2);
        try (TinyTraining training = new TinyTraining(group, plan, Task.of(4))) {
          String told = training.train(5).toString();
          // In one piece: the lines of several ranks must not mix.
          System.out.print(strategy + " " + group.rank() + " " + told + "\n");
          System.out.flush();
        }
      }
      group.close();
      return;
    }
    group.barrier().run();
    if (group.rank() == 1) {
      Thread.sleep(300);
      if (arguments[0].equals("kill")) {
        Runtime.getRuntime().halt(9);
      }
      System.err.print("rank 1 failed: the disk is full\n");
      group.abort(new IllegalStateException("the disk is full"));
    }
    group.barrier().run();
    Thread.sleep(60_000);
  }

  private static void collectives(ProcessGroup group) {
    int ranks = group.size();
    try (Arena arena = Arena.ofShared()) {
      MemorySegment mine = arena.allocateFrom(ValueLayout.JAVA_FLOAT, group.rank() + 1, 5);
      MemorySegment all = arena.allocate(8L * ranks);
      group.allGather(mine, all).run();
      require(all.getAtIndex(ValueLayout.JAVA_FLOAT, 2L * ranks - 2) == ranks, "all-gather");
      group.allReduce(mine, DType.F32).run();
      float sum = ranks * (ranks + 1) / 2f;
      require(mine.get(ValueLayout.JAVA_FLOAT, 0) == sum, "all-reduce");
      group.reduceScatter(all, DType.F32, mine).run();
      require(mine.get(ValueLayout.JAVA_FLOAT, 0) == sum + ranks * (group.rank() + 1), "scatter");
      group.allGather(all.asSlice(8L * group.rank(), 8), all).run();
      require(all.getAtIndex(ValueLayout.JAVA_FLOAT, 2L * ranks - 2) == ranks, "in place");
      MemorySegment byteLike = arena.allocateFrom(ValueLayout.JAVA_BYTE, (byte) group.rank());
      group.broadcast(byteLike, ranks - 1).run();
      require(byteLike.get(ValueLayout.JAVA_BYTE, 0) == ranks - 1, "broadcast");
      try (ProcessGroup part = group.split(group.rank() % 2)) {
        require(part.rank() == group.rank() / 2, "split");
      }
    }
  }

  /** Parts of several pieces, the last of them short: as in one process, to the bit. */
  private static void longCollectives(ProcessGroup group) {
    int ranks = group.size();
    int part = (1 << 19) / ranks + 37;
    for (DType travelling : new DType[] {DType.F32, DType.BF16}) {
      float[] mine = new float[part];
      float[] sums = new float[part * ranks];
      float[] terms = new float[part * ranks];
      for (int rank = 0; rank < ranks; rank++) {
        float[] its = numbers(rank, part * ranks);
        for (int i = 0; i < its.length; i++) {
          sums[i] += travelling == DType.F32 ? its[i] : rounded(its[i]);
        }
        if (rank == group.rank()) {
          terms = its;
        }
      }
      System.arraycopy(sums, part * group.rank(), mine, 0, part);
      try (Arena arena = Arena.ofShared()) {
        MemorySegment all = arena.allocateFrom(ValueLayout.JAVA_FLOAT, terms);
        MemorySegment sum = arena.allocate(ValueLayout.JAVA_FLOAT, part);
        group.reduceScatter(all, travelling, sum).run();
        require(sum.mismatch(MemorySegment.ofArray(mine)) < 0, "reduce-scatter " + travelling);
        group.allReduce(all, DType.BF16).run();
        float[] reduced = all.toArray(ValueLayout.JAVA_FLOAT);
        group.allGather(sum, all, travelling).run();
        float[] gathered = all.toArray(ValueLayout.JAVA_FLOAT);
        for (int i = 0; i < sums.length; i++) {
          sums[i] = travelling == DType.F32 ? sums[i] : rounded(sums[i]);
        }
        require(Arrays.equals(gathered, sums), "all-gather " + travelling);
        require(travelling == DType.F32 || Arrays.equals(reduced, sums), "all-reduce");
      }
    }
  }

  private static float[] numbers(int rank, int count) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] =
          1f / ((i + 7 * rank) % 1001 + 1); // Of many magnitudes, so that sums are rounded.
    }
    return numbers;
  }

  private static float rounded(float value) {
    return BFloat16.toFloat(BFloat16.fromFloat(value));
  }

  private static void require(boolean right, String what) {
    if (!right) {
      throw new AssertionError(what + " is wrong");
    }
  }
}
