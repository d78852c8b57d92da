package org.freetransformer.tensor.memory;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.freetransformer.tensor.memory.MemoryPool.Block;

/**
 * Memory in Linux's transparent huge pages: a product walks through rows that lie pages apart, and
 * with pages of 4 KiB the processor waits for the addresses of each. The C library's {@code mmap}
 * and {@code madvise} are called where this module may ({@code --enable-native-access}).
 */
final class HugePages {
  /** Linking C functions takes a tenth of a second, which a short run never wins back. */
  private static final long LINKING_PAYS = 8 << 20;

  private static final Path SETTINGS = Path.of("/sys/kernel/mm/transparent_hugepage");
  private static final long MAX_PAGE = 32 << 20;
  // Whole pages of every size that Linux has on the processors that the JDK runs on.
  private static final long GRANULE = 64 << 10;

  // Of Linux's <sys/mman.h>, the same on x86 and ARM.
  private static final int READ_AND_WRITE = 1 | 2;
  private static final int PRIVATE_ANONYMOUS = 0x02 | 0x20;
  private static final int ADVICE_HUGE_PAGE = 14;
  private static final long FAILED = -1;

  private static volatile boolean wanted;

  private static final class Linked {
    static final Optional<HugePages> PAGES = ofSystem();
  }

  private final long page;
  private final MethodHandle map;
  private final MethodHandle unmap;
  private final MethodHandle advise;

  @SuppressWarnings("restricted") // Only made where native access is enabled.
  private HugePages(long page) {
    this.page = page;
    map =
        function(
            "mmap",
            FunctionDescriptor.of(
                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    unmap = function("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    advise = function("madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function(String name, FunctionDescriptor types) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), types);
  }

  private static Optional<HugePages> ofSystem() {
    if (!HugePages.class.getModule().isNativeAccessEnabled()) {
      return Optional.empty();
    }
    try {
      String use = Files.readString(SETTINGS.resolve("enabled"));
      long page = Long.parseLong(Files.readString(SETTINGS.resolve("hpage_pmd_size")).strip());
      return use.contains("[never]") || page > MAX_PAGE
          ? Optional.empty()
          : Optional.of(new HugePages(page));
    } catch (IOException
        | SecurityException
        | NumberFormatException
        | UnsupportedOperationException // No linker on this platform.
        | NoSuchElementException absent) {
      return Optional.empty();
    }
  }

  /**
   * A block that begins with a huge page, and whose last part is of small ones; its content is
   * undefined. Nothing if it is smaller than a page, if none so far had {@link #LINKING_PAYS}
   * bytes, if the system has no huge pages or no memory, or if its functions may not be called.
   */
  static Optional<Block> block(long bytes) {
    if (bytes >= LINKING_PAYS) {
      wanted = true;
    }
    return wanted ? Linked.PAGES.flatMap(pages -> pages.take(bytes)) : Optional.empty();
  }

  @SuppressWarnings({"restricted", "MustBeClosedChecker"}) // The block closes its arena.
  private Optional<Block> take(long bytes) {
    if (bytes < page) {
      return Optional.empty();
    }
    long whole = Math.ceilDiv(bytes, GRANULE) * GRANULE;
    long address = map(whole + page);
    if (address == FAILED) {
      return Optional.empty();
    }
    long start = Math.ceilDiv(address, page) * page;
    unmap(address, start - address);
    unmap(start + whole, address + page - start);
    advise(start, whole);
    Arena arena = Arena.ofShared();
    MemorySegment memory =
        MemorySegment.ofAddress(start).reinterpret(bytes, arena, _ -> unmap(start, whole));
    return Optional.of(new Block(arena, memory));
  }

  private long map(long bytes) {
    try {
      return (long) map.invokeExact(0L, bytes, READ_AND_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }

  private void unmap(long address, long bytes) {
    if (bytes == 0) {
      return;
    }
    int result;
    try {
      result = (int) unmap.invokeExact(address, bytes);
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
    if (result != 0) {
      throw new IllegalStateException("munmap of %d bytes failed".formatted(bytes));
    }
  }

  /** A request: without huge pages memory is slower, and no less good. */
  private void advise(long address, long bytes) {
    try {
      int _ = (int) advise.invokeExact(address, bytes, ADVICE_HUGE_PAGE);
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }
}
