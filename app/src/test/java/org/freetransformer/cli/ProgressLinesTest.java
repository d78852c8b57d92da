package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressLinesTest {
  private final StringWriter text = new StringWriter();
  private final AtomicLong clock = new AtomicLong();

  private ProgressLines lines(long start, long total) {
    return new ProgressLines(
        new PrintWriter(text, true), "train", start, total, "steps", clock::get);
  }

  @Test
  void showsRateAndTimeLeft() {
    try (Progress progress = lines(0, 100)) {
      clock.set(TimeUnit.SECONDS.toNanos(10));
      progress.at(20, "loss 1.5");
    }
    assertThat(text.toString())
        .isEqualToIgnoringNewLines("train: 20 of 100 steps; 2.0 steps/s, 0:40 left; loss 1.5");
  }

  @Test
  void leavesLinesOutThatFollowAtOnceButNeverTheLast() {
    try (Progress progress = lines(0, 100)) {
      for (int step = 1; step <= 100; step++) {
        clock.addAndGet(TimeUnit.MILLISECONDS.toNanos(100));
        progress.at(step, "");
      }
    }
    assertThat(text.toString().lines().map(line -> line.split(" ", -1)[1]))
        .containsExactly("1", "51", "100");
  }

  @Test
  void theRateOfAResumedTaskCountsNewStepsOnly() {
    try (Progress progress = lines(90, 100)) {
      clock.set(TimeUnit.SECONDS.toNanos(1));
      progress.at(95, "");
    }
    assertThat(text.toString()).contains("5.0 steps/s, 0:01 left");
  }
}
