package org.freetransformer.bench.limit;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;

/** As many threads as are compared, each of which takes its share of a loop. */
final class Crew implements AutoCloseable {
  private final int size;
  private final ExecutorService threads;

  Crew(int size) {
    this.size = size;
    this.threads = Executors.newFixedThreadPool(size, Thread.ofPlatform().daemon().factory());
  }

  int size() {
    return size;
  }

  /** Runs the task once for each member, numbered from 0, and waits for all. */
  void run(IntConsumer task) {
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      int member = i;
      running.add(threads.submit(() -> task.accept(member)));
    }
    for (Future<?> one : running) {
      try {
        one.get();
      } catch (InterruptedException | ExecutionException e) {
        throw new IllegalStateException("a limit loop did not end", e);
      }
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
