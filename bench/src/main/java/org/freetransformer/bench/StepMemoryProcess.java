package org.freetransformer.bench;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.freetransformer.bench.suite.StepSide;

/**
 * A process with one side of a training step and nothing else: tells what it holds before the first
 * step, and the most that it held once steps no longer raise it.
 */
final class StepMemoryProcess {
  /** Steps that raise the peak by less than this share count as quiet. */
  private static final double GROWTH = 0.005;

  private static final long MOST_NANOS = TimeUnit.MINUTES.toNanos(2);

  private StepMemoryProcess() {}

  /**
   * Prints {@link StepMemory.Held} as {@link StepMemory.Held#parse} reads it.
   *
   * @param arguments a {@link StepSide}, a case of the suite, threads, the number of quiet steps
   *     that end the run, and the least number of seconds that it takes
   */
  public static void main(String[] arguments) throws IOException {
    StepSide side = StepSide.valueOf(arguments[0]);
    int threads = Integer.parseInt(arguments[2]);
    int quietSteps = Integer.parseInt(arguments[3]);
    long leastNanos = TimeUnit.SECONDS.toNanos(Integer.parseInt(arguments[4]));
    side.load(threads);
    long loaded = ProcessStatus.read().resident();
    Runnable step = side.build(arguments[1], threads);
    long built = ProcessStatus.read().resident();
    long begin = System.nanoTime();
    long level = 0;
    int steps = 0;
    int quiet = 0;
    while ((quiet < quietSteps || System.nanoTime() - begin < leastNanos)
        && System.nanoTime() - begin < MOST_NANOS) {
      step.run();
      steps++;
      quiet++;
      long peak = ProcessStatus.read().peak();
      if (peak > level * (1 + GROWTH)) {
        level = peak;
        quiet = 0;
      }
    }
    System.out.println(
        new StepMemory.Held(loaded, built, ProcessStatus.read().peak(), steps).line());
  }
}
