package org.freetransformer.server;

import java.io.IOException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Cuts a client off that takes nothing of what is written to it. */
final class WriteLimit implements AutoCloseable {
  /** Something that is written. */
  @FunctionalInterface
  interface Write {
    void run() throws IOException;
  }

  private final long milliseconds;
  private final ScheduledThreadPoolExecutor timer;

  /** A limit of the time that one write may take. */
  WriteLimit(long milliseconds) {
    this.milliseconds = milliseconds;
    timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("write-limit").factory());
    timer.setRemoveOnCancelPolicy(true);
  }

  /**
   * Writes on the calling thread.
   *
   * @throws IOException if that fails, or takes too long: the connection is closed then
   */
  void run(Write write) throws IOException {
    Thread writer = Thread.currentThread();
    // Interrupting a thread that writes to a channel closes the channel.
    ScheduledFuture<?> cut = timer.schedule(writer::interrupt, milliseconds, TimeUnit.MILLISECONDS);
    try {
      write.run();
    } finally {
      cut.cancel(false);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
