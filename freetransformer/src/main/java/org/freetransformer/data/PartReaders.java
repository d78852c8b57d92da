package org.freetransformer.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** Reads the parts of a source, several at a time. */
public final class PartReaders {

  private PartReaders() {}

  /** What is done with each part. */
  @FunctionalInterface
  public interface Task {
    /**
     * Reads a part; any thread may call it.
     *
     * @param number of the part, from 0
     * @param stop to be asked now and then: whether the rest is not wanted any more
     * @throws IOException if it fails; parts that were not begun are then left out
     */
    void read(int number, DocumentSource.Part part, BooleanSupplier stop) throws IOException;
  }

  /**
   * Reads all parts.
   *
   * @param threads parts that are read at the same time, at least 1
   * @param progress told how many bytes are done, by any thread
   * @param stop asked before each part whether to stop
   * @throws IOException what a part failed with; a {@link RuntimeException} or an {@link Error} is
   *     thrown as it is too
   */
  public static void read(
      List<DocumentSource.Part> parts,
      int threads,
      LongConsumer progress,
      BooleanSupplier stop,
      Task task)
      throws IOException {
    AtomicLong done = new AtomicLong();
    AtomicBoolean failed = new AtomicBoolean();
    BooleanSupplier stopping = () -> failed.get() || stop.getAsBoolean();
    List<Future<?>> results = new ArrayList<>();
    try (ExecutorService readers = Executors.newFixedThreadPool(threads)) {
      for (int i = 0; i < parts.size(); i++) {
        int number = i;
        DocumentSource.Part part = parts.get(i);
        results.add(
            readers.submit(() -> {
              if (stopping.getAsBoolean()) {
                return part;
              }
              try {
                task.read(number, part, stopping);
                progress.accept(done.addAndGet(part.bytes()));
                return part;
              } catch (Throwable failure) {
                failed.set(true); // The other parts need not go on.
                throw failure;
              }
            }));
      }
      for (Future<?> result : results) {
        result.get();
      }
    } catch (ExecutionException failure) {
      throw unwrapped(failure.getCause());
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", interruption);
    }
  }

  private static IOException unwrapped(@Nullable Throwable cause) {
    return switch (cause) {
      case IOException io -> io;
      case UncheckedIOException io when io.getCause() != null -> io.getCause();
      case RuntimeException other -> throw other;
      case Error error -> throw error;
      case null, default -> new IOException(cause);
    };
  }
}
