package org.freetransformer.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;

/**
 * Gives the process its standard error back.
 *
 * <p>The launcher starts the JVM with standard error going through a filter, because the JVM greets
 * an incubating module with a warning that no option turns off. The real stream waits at another
 * file descriptor, named by the system property {@value #PROPERTY}.
 */
final class StandardError {
  private static final String PROPERTY = "ft.standard-error";
  private static final int STANDARD_ERROR = 2;

  private StandardError() {}

  /**
   * Makes descriptor 2 the stream that the launcher kept aside. Does nothing when the program was
   * not started by the launcher.
   */
  static void restore() {
    Integer kept = Integer.getInteger(PROPERTY);
    if (kept == null) {
      return;
    }
    try {
      duplicate(kept, STANDARD_ERROR);
    } catch (Throwable e) {
      // The filter stays in place then: it passes on all that is written, line by line.
      System.err.println("ft: standard error stays filtered: " + e);
    }
  }

  /** Calls dup2, which closes {@code to} and makes it another name of {@code from}. */
  @SuppressWarnings("restricted") // dup2 has this very signature on every POSIX system.
  private static void duplicate(int from, int to) throws Throwable {
    var linker = Linker.nativeLinker();
    var dup2 =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("dup2"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    int result = (int) dup2.invokeExact(from, to);
    if (result != to) {
      throw new IllegalStateException("dup2(" + from + ", " + to + ") gave " + result);
    }
  }
}
