package org.freetransformer.cli;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarStyle;

/** A moving bar with rate and time left. */
final class ProgressBarDisplay implements Progress {
  private static final int COLUMNS = 110;
  private static final int REDRAW_MILLIS = 250;

  private final ProgressBar bar;

  ProgressBarDisplay(String task, long start, long total, String unit) {
    bar =
        ProgressBar.builder()
            .setTaskName(task)
            .setInitialMax(total)
            .startsFrom(start, java.time.Duration.ZERO)
            .setUnit(" " + unit, 1)
            .showSpeed()
            .setStyle(ProgressBarStyle.UNICODE_BLOCK)
            .setUpdateIntervalMillis(REDRAW_MILLIS)
            .setConsumer(new ConsoleProgressBarConsumer(System.err, COLUMNS))
            .build();
  }

  @Override
  public void at(long done, String message) {
    bar.stepTo(done);
    bar.setExtraMessage(message);
  }

  @Override
  public void close() {
    bar.close();
  }
}
