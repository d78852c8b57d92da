package org.freetransformer.bench.suite;

/** Runs a call, and remembers the least time that it took. */
final class FastestCall implements Runnable {
  private final Runnable call;
  private long nanos = Long.MAX_VALUE;

  FastestCall(Runnable call) {
    this.call = call;
  }

  @Override
  public void run() {
    long begin = System.nanoTime();
    call.run();
    nanos = Math.min(nanos, System.nanoTime() - begin);
  }

  /** Nanoseconds; the largest number before the first call. */
  long nanos() {
    return nanos;
  }
}
