package org.freetransformer.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.freetransformer.nn.sharding.Exchange;
import org.freetransformer.nn.sharding.ProcessGroup;
import org.freetransformer.tensor.DType;

/**
 * One rank of the suite {@code shard}'s MPI rows, and of {@code scripts/mpi-allreduce}, which can
 * name the MPI: times the all-reduce of f32 as {@code allreduce.c} times the same call from C.
 */
final class AllReduceRank {
  /** Small calls before all others, until they are compiled; C makes them as well. */
  private static final int COMPILATION = 6000;

  /** Calls of each size before those that count: the library's first buffers. */
  private static final int WARM_UP = 3;

  private static final long LINE = 64;

  private AllReduceRank() {}

  /**
   * Prints a line {@code BYTES MILLISECONDS} for each size, the median on rank 0.
   *
   * @param arguments repeats, then sizes in bytes
   */
  public static void main(String[] arguments) {
    int repeats = Integer.parseInt(arguments[0]);
    try (ProcessGroup group = ProcessGroup.mpi()) {
      median(group, LINE, 1, COMPILATION);
      for (String size : Arrays.asList(arguments).subList(1, arguments.length)) {
        double median = median(group, Long.parseLong(size), repeats, WARM_UP);
        if (group.rank() == 0) {
          System.out.printf("%s %.6f%n", size, median);
        }
      }
    }
  }

  private static double median(ProcessGroup group, long bytes, int repeats, int warmUp) {
    double[] times = new double[repeats];
    try (Arena arena = Arena.ofShared()) {
      MemorySegment values = arena.allocate(bytes, LINE);
      Exchange reduction = group.allReduce(values, DType.F32);
      Exchange barrier = group.barrier();
      for (int i = -warmUp; i < repeats; i++) {
        barrier.run();
        long began = System.nanoTime();
        reduction.run();
        if (i >= 0) {
          times[i] = (System.nanoTime() - began) * 1e-6;
        }
      }
    }
    Arrays.sort(times);
    return times[repeats / 2];
  }
}
