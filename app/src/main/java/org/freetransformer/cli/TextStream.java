package org.freetransformer.cli;

import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * Text that is shown while it is written, once it is known that the weights it comes from are
 * whole: until then it waits, and is dropped with them if they are not.
 */
final class TextStream {
  private final Future<Boolean> whole;
  private final Consumer<String> shown;
  private final StringBuilder waiting;

  /**
   * A stream that has shown nothing yet.
   *
   * @param begin text before all that is added
   * @param whole becomes true, or else nothing is shown
   * @param shown takes the text
   */
  TextStream(String begin, Future<Boolean> whole, Consumer<String> shown) {
    this.waiting = new StringBuilder(begin);
    this.whole = whole;
    this.shown = shown;
  }

  /** Shows more text, or keeps it until more is known. */
  void add(String text) {
    waiting.append(text);
    if (whole.state() == Future.State.SUCCESS && whole.resultNow()) {
      shown.accept(waiting.toString());
      waiting.setLength(0);
    }
  }

  /** What was not shown yet. */
  String waiting() {
    return waiting.toString();
  }
}
