package org.freetransformer.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Map;

/**
 * What the JVMs of benchmarks find in their environment. JMH starts them with that of this process,
 * and has no way to add to it; so it is added here, where {@code System.getenv} does not see it.
 */
final class BenchmarkEnvironment {
  private static final Map<String, String> VARIABLES =
      Map.of(
          // OpenBLAS's threads spin for a while after a product: 2^4 cycles, the least that it
          // takes. Whoever's turn is next would have a core less.
          "OPENBLAS_THREAD_TIMEOUT", "4",
          // libtorch takes memory for each result and gives it back. By default glibc gives large
          // pieces back to the system at once, and the next call waits for 8192 pages of zeros for
          // 32 MiB. A process that keeps what it had, as one that trains with another allocator
          // does, is the stronger peer. One arena, for the others end at 64 MiB.
          "MALLOC_ARENA_MAX", "1",
          "MALLOC_MMAP_MAX_", "0",
          "MALLOC_TRIM_THRESHOLD_", Long.toString(1L << 40),
          // Huge pages, which our own memory asks for, for its arrays and OpenBLAS's.
          "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

  // OpenBLAS picks its kernels for the processor itself: whoever picked others did so for programs
  // with an older one, and slower kernels than it has would be no peer.
  private static final List<String> UNSET = List.of("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE");

  private BenchmarkEnvironment() {}

  /** Sets all variables for this process's libraries, and for the processes that it starts. */
  static void set() {
    MethodHandle setenv =
        function("setenv", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    MethodHandle unsetenv = function("unsetenv", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      for (Map.Entry<String, String> variable : VARIABLES.entrySet()) {
        MemorySegment name = arena.allocateFrom(variable.getKey());
        int _ = (int) setenv.invokeExact(name, arena.allocateFrom(variable.getValue()), 1);
      }
      for (String name : UNSET) {
        int _ = (int) unsetenv.invokeExact(arena.allocateFrom(name));
      }
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }

  @SuppressWarnings("restricted") // The environment is the C library's.
  private static MethodHandle function(String name, FunctionDescriptor signature) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), signature);
  }
}
