package org.freetransformer.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.function.LongSupplier;

/** A line now and then, for files and pipes. */
final class ProgressLines implements Progress {
  private static final long INTERVAL = Duration.ofSeconds(5).toNanos();

  private final PrintWriter out;
  private final String task;
  private final long start;
  private final long total;
  private final String unit;
  private final LongSupplier clock;
  private final long began;
  private long nextLine;

  /**
   * Shows the first call, the last, and one every five seconds between them.
   *
   * @param clock nanoseconds, as {@link System#nanoTime} counts them
   */
  ProgressLines(
      PrintWriter out, String task, long start, long total, String unit, LongSupplier clock) {
    this.out = out;
    this.task = task;
    this.start = start;
    this.total = total;
    this.unit = unit;
    this.clock = clock;
    this.began = clock.getAsLong();
    this.nextLine = began;
  }

  @Override
  public void at(long done, String message) {
    long now = clock.getAsLong();
    if (now - nextLine < 0 && done < total) {
      return;
    }
    nextLine = now + INTERVAL;
    double seconds = Math.max(1, now - began) * 1e-9;
    double rate = (done - start) / seconds;
    String timing =
        done <= start
            ? ""
            : "; %.1f %s/s, %s left".formatted(rate, unit, clockFace((total - done) / rate));
    out.println("%s: %d of %d %s%s; %s".formatted(task, done, total, unit, timing, message));
  }

  private static String clockFace(double seconds) {
    long whole = Math.round(seconds);
    return "%d:%02d".formatted(whole / 60, whole % 60);
  }

  @Override
  public void close() {}
}
