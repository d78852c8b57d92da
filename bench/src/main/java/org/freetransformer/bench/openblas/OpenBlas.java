package org.freetransformer.bench.openblas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * OpenBLAS, where the system has it (Debian's {@code libopenblas0}), called through {@code
 * java.lang.foreign}: a second peer for matrix products, because libtorch's library does not use
 * all of every processor.
 */
public final class OpenBlas {
  private static final List<String> NAMES =
      List.of(
          "libopenblas.so.0",
          "libopenblas.so",
          "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0",
          "/usr/lib/aarch64-linux-gnu/openblas-pthread/libopenblas.so.0");

  private static final int ROW_MAJOR = 101;
  private static final int NOT_TRANSPOSED = 111;
  private static final int TRANSPOSED = 112;

  private static final MemoryLayout CHARS = MemoryLayout.sequenceLayout(64, JAVA_BYTE);

  private static final @Nullable SymbolLookup LIBRARY = open();
  private static final Linker LINKER = Linker.nativeLinker();

  private OpenBlas() {}

  @SuppressWarnings("restricted") // A native library is what this is about.
  private static @Nullable SymbolLookup open() {
    for (String name : NAMES) {
      try {
        return SymbolLookup.libraryLookup(name, Arena.global());
      } catch (IllegalArgumentException notThere) {
        // Perhaps under the next name.
      }
    }
    return null;
  }

  /** Why it cannot be used on this machine, or empty if it can. */
  public static Optional<String> whyMissing() {
    return LIBRARY == null
        ? Optional.of("no libopenblas.so.0 here (Debian: apt install libopenblas0)")
        : Optional.empty();
  }

  /** The kernels that it picked for this processor. */
  @SuppressWarnings("restricted")
  public static String coreName() {
    MethodHandle name =
        function("openblas_get_corename", FunctionDescriptor.of(ADDRESS.withTargetLayout(CHARS)));
    try {
      return ((MemorySegment) name.invokeExact()).getString(0);
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }

  /** Number of threads that one product may use. */
  public static void setThreads(int threads) {
    MethodHandle set = function("openblas_set_num_threads", FunctionDescriptor.ofVoid(JAVA_INT));
    try {
      set.invokeExact(threads);
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function(String name, FunctionDescriptor signature) {
    if (LIBRARY == null) {
      throw new IllegalStateException(whyMissing().orElseThrow());
    }
    return LINKER.downcallHandle(LIBRARY.findOrThrow(name), signature);
  }

  /** A product C [m, n] = A [m, k] · B [k, n] of row-major matrices, either stored transposed. */
  public static Runnable product(
      Arena arena, boolean leftTransposed, boolean rightTransposed, int m, int n, int k) {
    MethodHandle gemm =
        function(
            "cblas_sgemm",
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_FLOAT,
                ADDRESS,
                JAVA_INT,
                ADDRESS,
                JAVA_INT,
                JAVA_FLOAT,
                ADDRESS,
                JAVA_INT));
    MemorySegment a = random(arena, (long) m * k);
    MemorySegment b = random(arena, (long) k * n);
    MemorySegment c = random(arena, (long) m * n);
    return () -> {
      try {
        gemm.invokeExact(
            ROW_MAJOR,
            leftTransposed ? TRANSPOSED : NOT_TRANSPOSED,
            rightTransposed ? TRANSPOSED : NOT_TRANSPOSED,
            m,
            n,
            k,
            1f,
            a,
            leftTransposed ? m : k,
            b,
            rightTransposed ? k : n,
            0f,
            c,
            n);
      } catch (Throwable failure) {
        throw new IllegalStateException(failure);
      }
    };
  }

  private static MemorySegment random(Arena arena, long size) {
    SplittableRandom random = new SplittableRandom(size);
    MemorySegment memory = arena.allocate(size * Float.BYTES, 64);
    for (long i = 0; i < size; i++) {
      memory.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
    }
    return memory;
  }
}
