package org.freetransformer.train;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.freetransformer.data.Batch;
import org.freetransformer.eval.BatchTensors;
import org.jspecify.annotations.Nullable;

/**
 * Brings a step's batches to its inputs, each while the program runs on the one before. For use by
 * the thread that runs the step.
 */
final class BatchFeed implements AutoCloseable {
  private record Ahead(Batch batch, Runnable set) {}

  private final BatchTensors inputs;
  private @Nullable CompletableFuture<Ahead> begun;

  BatchFeed(BatchTensors inputs) {
    this.inputs = inputs;
  }

  /** Begins with a batch, as soon as it is read, while what follows runs. */
  void begin(CompletionStage<Batch> batch) {
    begun = batch.thenApply(read -> new Ahead(read, inputs.setAhead(read))).toCompletableFuture();
  }

  /** Makes a batch the next run's, whether it was begun or not. */
  @SuppressWarnings("ReferenceEquality") // The very one; another of the same tokens may be set too.
  void set(Batch batch) {
    Runnable set =
        settled()
            .filter(ahead -> ahead.batch() == batch)
            .map(Ahead::set)
            .orElseGet(() -> inputs.setAhead(batch));
    set.run();
  }

  /** What was begun, unless it could not be read. */
  private Optional<Ahead> settled() {
    CompletableFuture<Ahead> task = begun;
    begun = null;
    return task == null
        ? Optional.empty()
        : task.handle((ahead, _) -> Optional.ofNullable(ahead)).join();
  }

  /** Waits for what was begun, so that the inputs can be closed. */
  @Override
  public void close() {
    settled();
  }
}
