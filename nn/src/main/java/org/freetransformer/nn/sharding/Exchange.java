package org.freetransformer.nn.sharding;

import org.jspecify.annotations.Nullable;

/**
 * One collective call, made ready once and made any number of times. Between start and the end of
 * waiting, the group's own thread works on its memory.
 */
public final class Exchange {
  private final ProcessGroup group;
  private final Runnable work;
  private boolean underWay;
  private @Nullable Throwable failure;

  Exchange(ProcessGroup group, Runnable work) {
    this.group = group;
    this.work = work;
  }

  /**
   * Queues the call behind those that were started before.
   *
   * @return this
   * @throws IllegalStateException if it was started and not waited for, or the group was closed
   */
  public Exchange start() {
    begin();
    group.enqueue(this);
    return this;
  }

  /**
   * Starts the call and waits until it is done. If no other is under way, the calling thread does
   * the work itself: a small call takes less time than the way to the group's thread and back.
   *
   * @throws IllegalStateException if it was started and not waited for, or the group was closed
   * @throws RankFailure if another rank failed
   */
  public void run() {
    long began = System.nanoTime();
    begin();
    if (!group.performHere(this)) {
      group.enqueue(this);
    }
    finish(began);
  }

  private synchronized void begin() {
    group.requireOpen(); // Before anything changes: what is not under way is not waited for.
    if (underWay) {
      throw new IllegalStateException("this exchange is under way; wait for it first");
    }
    underWay = true;
  }

  /** Does the work, on the group's thread or the rank's own, and tells who waits. */
  void perform() {
    Throwable thrown = null;
    try {
      work.run();
    } catch (Throwable problem) {
      thrown = problem;
    }
    group.done();
    synchronized (this) {
      failure = thrown;
      underWay = false;
      notifyAll();
    }
  }

  /**
   * Waits until the call is done; nothing if it was not started.
   *
   * @throws RankFailure if another rank failed
   */
  public void await() {
    finish(System.nanoTime());
  }

  private void finish(long began) {
    Throwable thrown;
    synchronized (this) {
      while (underWay) {
        try {
          wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("interrupted while waiting for other ranks", e);
        }
      }
      thrown = failure;
      failure = null;
    }
    group.waited(System.nanoTime() - began);
    switch (thrown) {
      case null -> {}
      case RankFailure other -> throw new RankFailure(other);
      case RuntimeException own -> throw own;
      case Error own -> throw own;
      default -> throw new IllegalStateException(thrown);
    }
  }
}
