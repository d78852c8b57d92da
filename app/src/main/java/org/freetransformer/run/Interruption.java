package org.freetransformer.run;

import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;

/**
 * Ctrl-C, or a termination signal, as a request to stop that work can hear and obey in order.
 *
 * <p>The JVM answers both signals by running its shutdown hooks while all other threads go on. A
 * hook of ours raises the flag and then holds the JVM up until the command has stopped by itself,
 * state saved and results printed, and ends the process with {@link #EXIT_CODE}. A command that
 * does not listen is not held up. A second signal ends the process at once, as SIGKILL does: what
 * was saved before stays whole, as files appear by renaming only.
 */
public final class Interruption {
  /** Exit code of a command stopped by a signal, its state saved: 128 + SIGINT. */
  public static final int EXIT_CODE = 130;

  private final CountDownLatch finished = new CountDownLatch(1);
  private volatile Runnable announcement = () -> {};
  private volatile boolean listening;
  private volatile boolean requested;
  private volatile int exitCode;

  /** Nothing is requested and no signal is caught yet. */
  public Interruption() {}

  /** Catches the signals of this process from now on. */
  public void install() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::hold, "interruption"));
  }

  /**
   * The flag for work that stops in order when it is raised.
   *
   * @param announce tells the user, on another thread, that stopping takes a moment
   */
  public BooleanSupplier listen(Runnable announce) {
    announcement = announce;
    listening = true;
    return () -> requested;
  }

  /** Asks the listening command to stop, as a signal does. */
  public void request() {
    requested = true;
    announcement.run();
  }

  /**
   * Tells that the command is over and printed all that it had to say.
   *
   * @return the exit code of the process: the command's own if it failed or was not interrupted
   */
  public int finish(int commandCode) {
    exitCode = requested && commandCode == 0 ? EXIT_CODE : commandCode;
    finished.countDown();
    return exitCode;
  }

  private void hold() {
    if (!listening || finished.getCount() == 0) {
      return;
    }
    request();
    // From here on the JVM ignores both signals; as the system handles them, they end it.
    DefaultSignals.restore();
    try {
      finished.await();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(exitCode);
  }
}
