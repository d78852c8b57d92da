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
    long allocated = THREADS.getTotalThreadAllocatedBytes();
    long began = System.nanoTime();
    try {
      format.read(file);
      read++;
    } catch (RuntimeException problem) {
      if (!format.isRefusal(problem)) {
        throw problem;
      }
      refused++;
    }
    slowest = Math.max(slowest, System.nanoTime() - began);
    long bytes = THREADS.getTotalThreadAllocatedBytes() - allocated;
    mostBytes = Math.max(mostBytes, bytes);
    if (bytes > format.mostBytes()) {
      throw new AssertionError("%d bytes of memory for a file of %d".formatted(bytes, file.length));
    }
    // What a hostile pickle among the seeds would make.
    if (Files.exists(Path.of("hostile-code-ran"))) {
      throw new AssertionError("the file's code was run");
    }
  }

  /** The counts, in a line. */
  String summary() {
    return "%d read, %d refused; slowest %d ms, most memory %.1f MiB"
        .formatted(read, refused, slowest / 1_000_000, mostBytes / 0x1p20);
  }
}
