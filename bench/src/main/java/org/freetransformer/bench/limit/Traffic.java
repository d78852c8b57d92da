package org.freetransformer.bench.limit;

/**
 * Bytes that an operation has to move at least.
 *
 * @param read from operands
 * @param written to results elsewhere
 * @param updated read and written in place
 * @param readAgain of {@code read}, or of {@code updated} if nothing is only read, once all else is
 *     done: by a backward pass, say
 * @param refilled of {@code updated}, written once more before all else
 */
public record Traffic(long read, long written, long updated, long readAgain, long refilled) {
  private static final long FLOAT = 4;

  /** Each byte once. */
  public Traffic(long read, long written, long updated) {
    this(read, written, updated, 0, 0);
  }

  /** Arrays of {@code count} floats: how many are read, written and updated, each once. */
  public static Traffic ofFloats(long count, int read, int written, int updated) {
    return new Traffic(FLOAT * count * read, FLOAT * count * written, FLOAT * count * updated);
  }

  /** The same with so many floats read a second time. */
  public Traffic andAgain(long floats) {
    return new Traffic(read, written, updated, FLOAT * floats, refilled);
  }

  /** The same with so many of the updated floats filled before. */
  public Traffic andRefilled(long floats) {
    return new Traffic(read, written, updated, readAgain, FLOAT * floats);
  }

  /** Bytes both ways. */
  public long total() {
    return read + readAgain + written + refilled + 2 * updated;
  }
}
