package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;

/**
 * A batch of matrices in off-heap memory, of f32 or of 16-bit numbers. Offset and strides count
 * elements; strides are not negative (0 repeats an element), a transposed matrix is one with its
 * strides swapped.
 *
 * @param memory reachable from every thread (global or shared arena), aligned to its elements
 * @param type of the elements
 * @param offset of element [0, 0, 0]
 */
record StridedMatrix(
    MemorySegment memory,
    DType type,
    long offset,
    long batchStride,
    long rowStride,
    long columnStride) {

  StridedMatrix {
    if (offset < 0 || batchStride < 0 || rowStride < 0 || columnStride < 0) {
      throw new IllegalArgumentException(
          "offset and strides must be at least 0, got offset %d, strides [%d, %d, %d]"
              .formatted(offset, batchStride, rowStride, columnStride));
    }
  }

  /** A batch of f32 matrices. */
  StridedMatrix(
      MemorySegment memory, long offset, long batchStride, long rowStride, long columnStride) {
    this(memory, DType.F32, offset, batchStride, rowStride, columnStride);
  }

  /** Whether the elements are of 16 bits. */
  boolean isHalf() {
    return Halves.are(type);
  }

  StridedMatrix transposed() {
    return new StridedMatrix(memory, type, offset, batchStride, columnStride, rowStride);
  }

  /** The same elements, where a stride that is never taken counts as contiguous. */
  StridedMatrix normalized(int rows, int columns) {
    if (columns <= 1) {
      return new StridedMatrix(memory, type, offset, batchStride, rowStride, 1);
    }
    return rows <= 1 ? new StridedMatrix(memory, type, offset, batchStride, 1, columnStride) : this;
  }

  /** Byte position of the first element of matrix {@code item} of the batch. */
  long start(int item) {
    return (offset + item * batchStride) * type.bytes();
  }

  long rowBytes() {
    return rowStride * type.bytes();
  }

  long columnBytes() {
    return columnStride * type.bytes();
  }

  /**
   * Checks that every element lies inside the memory.
   *
   * @param name for the message
   * @throws IndexOutOfBoundsException if one does not
   */
  void check(String name, int batch, int rows, int columns) {
    if (batch == 0 || rows == 0 || columns == 0) {
      return;
    }
    long last =
        offset + (batch - 1) * batchStride + (rows - 1) * rowStride + (columns - 1) * columnStride;
    long elements = memory.byteSize() / type.bytes();
    if (last >= elements) {
      throw new IndexOutOfBoundsException(
          "%s [%d, %d, %d] with strides [%d, %d, %d] from offset %d ends at element %d of %d"
              .formatted(
                  name,
                  batch,
                  rows,
                  columns,
                  batchStride,
                  rowStride,
                  columnStride,
                  offset,
                  last,
                  elements));
    }
  }
}
