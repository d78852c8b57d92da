package org.freetransformer.fuzz;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Gives files to the reader of a format: it must read them or refuse them in its own way, and take
 * no more memory for one than the format allows.
 */
final class Examination {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Format format;
  private long read;
  private long refused;
  private long slowest;
  private long mostBytes;

  Examination(Format format) {
    this.format = format;
  }

  /**
   * Reads a file; throws what the reader throws and must not, or an error that tells what it did.
   */
  void examine(byte[] file) throws IOException {
    long began = System.nanoTime();
    long bytes = bytesFor(file);
    slowest = Math.max(slowest, System.nanoTime() - began);
    if (bytes > format.mostBytes()) {
      // The JVM looks at the buffers of threads that go on meanwhile, and once in some 300,000
      // files
      // takes the place where one of them allocates, just below 4 GiB, for a number of bytes.
      bytes = Math.min(bytes, bytesFor(file));
    }
    mostBytes = Math.max(mostBytes, bytes);
    if (bytes > format.mostBytes()) {
      throw new AssertionError("%d bytes of memory for a file of %d".formatted(bytes, file.length));
    }
    // What a hostile pickle among the seeds would make.
    if (Files.exists(Path.of("hostile-code-ran"))) {
      throw new AssertionError("the file's code was run");
    }
  }

  /** What all threads together allocate while a file is read. */
  private long bytesFor(byte[] file) throws IOException {
    long before = THREADS.getTotalThreadAllocatedBytes();
    if (isRead(file)) {
      read++;
    } else {
      refused++;
    }
    return THREADS.getTotalThreadAllocatedBytes() - before;
  }

  private boolean isRead(byte[] file) throws IOException {
    try {
      format.read(file);
      return true;
    } catch (RuntimeException problem) {
      if (!format.isRefusal(problem)) {
        throw problem;
      }
      return false;
    }
  }

  /** The counts, in a line. */
  String summary() {
    return "%d read, %d refused; slowest %d ms, most memory %.1f MiB"
        .formatted(read, refused, slowest / 1_000_000, mostBytes / 0x1p20);
  }
}
