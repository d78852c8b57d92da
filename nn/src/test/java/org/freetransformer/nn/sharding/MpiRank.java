package org.freetransformer.nn.sharding;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
      MemorySegment halves = arena.allocate(3 * Short.BYTES);
      for (int i = 0; i < 3; i++) {
        halves.setAtIndex(ValueLayout.JAVA_SHORT, i, BFloat16.fromFloat(group.rank() + i));
      }
      group.allReduce(halves, DType.BF16).run();
      for (int i = 0; i < 3; i++) {
        float found = BFloat16.toFloat(halves.getAtIndex(ValueLayout.JAVA_SHORT, i));
        require(found == sum + (i - 1) * ranks, "all-reduce in bf16");
      }
      group.reduceScatter(all, DType.F32, mine).run();
      require(mine.get(ValueLayout.JAVA_FLOAT, 0) == sum + ranks * (group.rank() + 1), "scatter");
      MemorySegment byteLike = arena.allocateFrom(ValueLayout.JAVA_BYTE, (byte) group.rank());
      group.broadcast(byteLike, ranks - 1).run();
      require(byteLike.get(ValueLayout.JAVA_BYTE, 0) == ranks - 1, "broadcast");
      try (ProcessGroup part = group.split(group.rank() % 2)) {
        require(part.rank() == group.rank() / 2, "split");
      }
    }
  }

  private static void require(boolean right, String what) {
    if (!right) {
      throw new AssertionError(what + " is wrong");
    }
  }
}
