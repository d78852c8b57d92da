package org.freetransformer.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;

/** What the user's terminal can show. */
final class Terminal {
  private Terminal() {}

  /**
   * Whether standard error may show a moving bar: it is a terminal that can move its cursor, and
   * the user did not set NO_COLOR (no-color.org).
   */
  static boolean showsBars() {
    String noColour = System.getenv("NO_COLOR");
    boolean plain = noColour != null && !noColour.isEmpty();
    return !plain
        && !"dumb".equals(System.getenv("TERM"))
        && isTerminal(StandardError.descriptor());
  }

  /** Asks the system, for Java tells it only of standard input and output together. */
  @SuppressWarnings("restricted") // isatty has this very signature on every POSIX system.
  private static boolean isTerminal(int descriptor) {
    try {
      var linker = Linker.nativeLinker();
      var isatty =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("isatty"),
              FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
      return (int) isatty.invokeExact(descriptor) == 1;
    } catch (Throwable unknown) {
      return false;
    }
  }
}
