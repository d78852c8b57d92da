package org.freetransformer.bench.suite;

/**
 * Bytes that an operation has to move at least.
 *
 * @param read from operands
 * @param written to results elsewhere
 * @param updated read and written in place
 */
record Traffic(long read, long written, long updated) {
  private static final long FLOAT = 4;

  /** Passes over arrays of {@code count} floats: how many are read, written and updated. */
  static Traffic ofFloats(long count, int read, int written, int updated) {
    return new Traffic(FLOAT * count * read, FLOAT * count * written, FLOAT * count * updated);
  }

  /** Bytes both ways. */
  long total() {
    return read + written + 2 * updated;
  }
}
