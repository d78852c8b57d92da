package org.freetransformer.bench.suite;

import java.util.concurrent.Phaser;
import java.util.function.Function;
import org.freetransformer.nn.sharding.InProcessRanks;
import org.freetransformer.nn.sharding.ProcessGroup;
import org.jspecify.annotations.Nullable;

/** Ranks of this process that wait for calls, and do each one together. */
final class StandingRanks implements Runnable, AutoCloseable {
  /** What one rank does in a call, and frees at the end. */
  interface Part extends Runnable, AutoCloseable {
    @Override
    void close();
  }

  /** Where the ranks and the caller meet before and after each call; ended by a failure. */
  private final Phaser gate;

  private final Thread thread;
  private volatile boolean closing;
  private volatile @Nullable Throwable failure;

  /** Starts the ranks, each of which opens its part. */
  StandingRanks(int ranks, Function<ProcessGroup, Part> opening) {
    gate = new Phaser(ranks + 1);
    Runnable all = () -> runAll(ranks, opening);
    thread = Thread.ofPlatform().daemon().name("bench-ranks").start(all);
  }

  private void runAll(int ranks, Function<ProcessGroup, Part> opening) {
    try {
      InProcessRanks.run(ranks, group -> serve(group, opening));
    } catch (RuntimeException | Error problem) {
      failure = problem;
      gate.forceTermination();
    }
  }

  private int serve(ProcessGroup group, Function<ProcessGroup, Part> opening) {
    try (Part part = opening.apply(group)) {
      meet();
      while (!closing) {
        part.run();
        meet();
        meet();
      }
    } catch (RuntimeException | Error problem) {
      // The other ranks may be waiting here rather than in an exchange.
      if (failure == null) {
        failure = problem;
      }
      gate.forceTermination();
      throw problem;
    }
    return group.rank();
  }

  private void meet() {
    if (gate.arriveAndAwaitAdvance() < 0) {
      throw new IllegalStateException("a rank failed", failure);
    }
  }

  /**
   * One call by all ranks.
   *
   * @throws IllegalStateException if a rank failed, now or before
   */
  @Override
  public void run() {
    meet();
    meet();
  }

  @Override
  public void close() {
    closing = true;
    if (!gate.isTerminated()) {
      meet();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
