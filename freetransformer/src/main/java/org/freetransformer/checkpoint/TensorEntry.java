package org.freetransformer.checkpoint;

import java.util.List;

/**
 * What a file says of a tensor.
 *
 * @param name its name, unique in the file
 * @param type its elements' type
 * @param shape its sizes; empty for a scalar
 */
public record TensorEntry(String name, TensorType type, List<Long> shape) {

  /** Takes a copy of the shape, which a reader has checked: the product of its sizes is a long. */
  public TensorEntry {
    shape = List.copyOf(shape);
  }

  /** Number of elements. */
  public long elements() {
    return bytes(type, shape) / type.bytes();
  }

  /**
   * Bytes of a tensor of this type and shape.
   *
   * @throws ArithmeticException if that is more than 2^63 − 1, or a size is negative
   */
  static long bytes(TensorType type, List<Long> shape) {
    long bytes = type.bytes();
    for (long size : shape) {
      if (size < 0) {
        throw new ArithmeticException("negative size " + size);
      }
      bytes = Math.multiplyExact(bytes, size);
    }
    return bytes;
  }
}
