package org.freetransformer.tensor.device.simd;

import org.freetransformer.tensor.device.Buffer;

/**
 * Rows cut into blocks whose size depends on the shape alone, so that results do not depend on the
 * number of threads.
 *
 * @param rows how many rows
 * @param columns elements of a row
 * @param rowsPerBlock how many rows make a task
 */
record RowBlocks(int rows, int columns, int rowsPerBlock) {
  /** Blocks of about {@link Workers#BLOCK} elements. */
  static RowBlocks of(int rows, int columns) {
    return new RowBlocks(rows, columns, Math.max(1, Workers.BLOCK / Math.max(1, columns)));
  }

  /** The rows along the last axis of a buffer. */
  static RowBlocks of(Buffer buffer) {
    int rank = buffer.shape().rank();
    int columns = rank == 0 ? 1 : buffer.dim(-1);
    return of(columns == 0 ? 0 : Math.toIntExact(buffer.size() / columns), columns);
  }

  int count() {
    return Math.ceilDiv(rows, rowsPerBlock);
  }

  int first(int block) {
    return block * rowsPerBlock;
  }

  /** One past the last row of a block. */
  int end(int block) {
    return (int) Math.min(rows, (block + 1L) * rowsPerBlock);
  }

  long elements() {
    return (long) rows * columns;
  }

  /** Byte position of a row of f32. */
  long start(int row) {
    return (long) row * columns * Float.BYTES;
  }
}
