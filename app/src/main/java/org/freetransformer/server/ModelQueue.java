package org.freetransformer.server;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Work for the one model, done by one thread in the order of arrival. A bounded number of requests
 * waits; any thread may submit and cancel.
 */
final class ModelQueue {
  private final int mostWaiting;
  private final Semaphore places;
  private final BlockingQueue<FutureTask<?>> tasks = new LinkedBlockingQueue<>();
  private volatile boolean stopped;
  private volatile @Nullable FutureTask<?> running;

  /**
   * An empty queue.
   *
   * @param mostWaiting how many may wait while one is worked on, 0 or more
   */
  ModelQueue(int mostWaiting) {
    this.mostWaiting = mostWaiting;
    this.places = new Semaphore(mostWaiting + 1);
  }

  /**
   * Puts work at the end. Who cancels the returned task need not wait: it is taken out, or ends at
   * its next {@link #requireWanted}.
   *
   * @param whenDone called once it is done, failed or cancelled
   * @throws HttpError if too much waits already, or the queue is stopped
   */
  <T> FutureTask<T> submit(Callable<T> work, Runnable whenDone) {
    if (!places.tryAcquire()) {
      throw new HttpError(
              HttpError.UNAVAILABLE,
              "%d requests wait already, which is the most; try again later".formatted(mostWaiting))
          .with("Retry-After", "1");
    }
    FutureTask<T> task =
        new FutureTask<>(work) {
          @Override
          protected void done() {
            tasks.remove(this);
            places.release();
            whenDone.run();
          }
        };
    tasks.add(task);
    if (stopped) {
      task.cancel(false);
    }
    return task;
  }

  /**
   * Works, on the calling thread, until the queue is stopped; what waits then is cancelled.
   *
   * @param afterEach done after each task
   */
  void work(Runnable afterEach) {
    while (!stopped) {
      FutureTask<?> next = take();
      running = next;
      next.run();
      running = null;
      afterEach.run();
    }
    for (FutureTask<?> task = tasks.poll(); task != null; task = tasks.poll()) {
      task.cancel(false);
    }
  }

  private FutureTask<?> take() {
    while (true) {
      try {
        return tasks.take();
      } catch (InterruptedException _) {
        stop(); // And takes what that put in.
      }
    }
  }

  /**
   * Checks, on the working thread, that someone waits for what it makes.
   *
   * @throws HttpError if the queue is stopped
   * @throws CancellationException if the task was cancelled
   */
  void requireWanted() {
    if (stopped) {
      throw HttpError.stopping();
    }
    FutureTask<?> task = running;
    if (task != null && task.isCancelled()) {
      throw new CancellationException();
    }
  }

  /** How many wait at the moment. */
  int waiting() {
    return tasks.size();
  }

  /** Takes no more work; what is worked on ends at its next {@link #requireWanted}. */
  void stop() {
    stopped = true;
    tasks.add(new FutureTask<>(() -> null)); // Wakes the worker.
  }
}
