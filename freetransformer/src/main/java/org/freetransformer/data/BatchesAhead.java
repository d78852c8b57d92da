package org.freetransformer.data;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/**
 * Batches that are made ready while something else runs, such as the training step before the one
 * that needs them. For use by one thread.
 */
public final class BatchesAhead implements AutoCloseable {
  private final Batches batches;
  private final Map<Long, CompletableFuture<Batch>> ahead = new HashMap<>();

  /** Nothing is read yet. */
  public BatchesAhead(Batches batches) {
    this.batches = batches;
  }

  /**
   * Begins to read the batch at a position, on a thread of its own, unless that was begun before.
   *
   * @return what {@link #at} will give
   */
  public CompletionStage<Batch> begin(long position) {
    return ahead.computeIfAbsent(
        position,
        _ ->
            CompletableFuture.supplyAsync(
                () -> batches.at(position), Thread.ofVirtual().name("batch-ahead")::start));
  }

  /**
   * The batch at a position, as {@link Batches#at} gives it, whether it was begun or not. Others
   * that were begun are kept.
   */
  public Batch at(long position) {
    CompletableFuture<Batch> task = ahead.remove(position);
    if (task == null) {
      return batches.at(position);
    }
    try {
      return task.get();
    } catch (ExecutionException failure) {
      return batches.at(position); // Fails again, and then on the thread that asked.
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for data", interrupted);
    }
  }

  /** Waits for what was begun and not asked for, so that the dataset can be closed. */
  @Override
  public void close() {
    ahead.values().forEach(BatchesAhead::settle);
    ahead.clear();
  }

  private static void settle(CompletableFuture<Batch> task) {
    try {
      task.get();
    } catch (ExecutionException unneeded) {
      // Nobody asked for it.
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
