package org.freetransformer.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;

/**
 * The real standard error of the process.
 *
 * <p>The launcher starts the JVM with standard error going through a filter, because the JVM greets
 * an incubating module with a warning that no option turns off. The real stream waits at another
 * file descriptor, named by the system property {@value #PROPERTY}.
 */
final class StandardError {
  private static final String PROPERTY = "ft.standard-error";
  private static final int STANDARD_ERROR = 2;

  private StandardError() {}

  /** The file descriptor that the user sees: the system's own without the launcher. */
  static int descriptor() {
    return Integer.getInteger(PROPERTY, STANDARD_ERROR);
  }

  /** A stream to {@link #descriptor}, without a buffer. */
  static OutputStream open() {
    int descriptor = descriptor();
    return new FileOutputStream(
        descriptor == STANDARD_ERROR ? FileDescriptor.err : numbered(descriptor));
  }

  /**
   * A descriptor by its number, by the JDK's own constructor, which the launcher opens: the way
   * through the system's dup2 would cost a tenth of a second at every start.
   */
  private static FileDescriptor numbered(int descriptor) {
    try {
      Constructor<FileDescriptor> constructor =
          FileDescriptor.class.getDeclaredConstructor(int.class);
      constructor.setAccessible(true);
      return constructor.newInstance(descriptor);
    } catch (ReflectiveOperationException | InaccessibleObjectException e) {
      // The filter stays in place then: it passes on all that is written, line by line.
      System.err.println("ft: standard error stays filtered: " + e);
      return FileDescriptor.err;
    }
  }
}
