package org.freetransformer.fuzz;

import java.io.IOException;
import java.util.List;

/**
 * A kind of file as a fuzzer sees it: whole files to begin with, and what may come of a spoilt one.
 */
interface Format {
  /**
   * Files from which the fuzzer makes others, small, and together with most of what there can be.
   */
  List<byte[]> seeds() throws IOException;

  /** Pieces of such files that it puts in, one byte a character. */
  List<String> words();

  /** Reads a file as the program does, to its last byte, and uses what it holds. */
  void read(byte[] file) throws IOException;

  /** Whether this is how the reader tells that it will not take a file. */
  boolean isRefusal(Throwable problem);

  /** What all threads together may allocate for one file, in bytes, be it garbage or not. */
  default long mostBytes() {
    return 64 << 20;
  }
}
