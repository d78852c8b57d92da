package org.freetransformer.corpus;

import java.time.Duration;

/**
 * Interrupts a thread whose step takes too long: a library that waits for a worker of its own,
 * which a damaged file has ended, would wait for ever.
 */
final class Patience implements AutoCloseable {
  private final Thread watched = Thread.currentThread();
  private final long limit;
  private final Thread watcher;
  private long began;
  private boolean within;
  private boolean lost;

  Patience(Duration limit) {
    this.limit = limit.toNanos();
    // Not virtual: the library's own virtual threads could keep every carrier from it.
    this.watcher = Thread.ofPlatform().daemon().name("patience").start(this::watch);
  }

  private void watch() {
    try {
      while (true) {
        Thread.sleep(Duration.ofNanos(limit / 4));
        synchronized (this) {
          if (within && System.nanoTime() - began > limit) {
            lost = true;
            watched.interrupt();
            began = System.nanoTime();
          }
        }
      }
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }

  synchronized void begin() {
    began = System.nanoTime();
    within = true;
  }

  /** Ends a step; tells whether it was interrupted. */
  synchronized boolean end() {
    within = false;
    if (lost) {
      Thread.interrupted(); // Not for whatever comes next.
    }
    return lost;
  }

  @Override
  public void close() {
    watcher.interrupt();
  }
}
