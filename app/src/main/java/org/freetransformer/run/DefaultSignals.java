package org.freetransformer.run;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** What Ctrl-C and a termination signal do to a process that does not catch them: they end it. */
final class DefaultSignals {
  private static final int SIGINT = 2;
  private static final int SIGTERM = 15;

  private DefaultSignals() {}

  /** Takes the JVM's handlers away, where the system has such signals. */
  @SuppressWarnings("restricted") // signal has this very signature on every POSIX system.
  static void restore() {
    if (System.getProperty("os.name").startsWith("Windows")) {
      return;
    }
    Linker linker = Linker.nativeLinker();
    SymbolLookup system = linker.defaultLookup();
    Optional<MemorySegment> signal = system.find("signal");
    if (signal.isEmpty()) {
      return;
    }
    MethodHandle call =
        linker.downcallHandle(
            signal.get(),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
    try {
      MemorySegment _ = (MemorySegment) call.invokeExact(SIGINT, MemorySegment.NULL);
      MemorySegment _ = (MemorySegment) call.invokeExact(SIGTERM, MemorySegment.NULL);
    } catch (Throwable impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
