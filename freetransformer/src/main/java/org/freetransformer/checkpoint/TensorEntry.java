package org.freetransformer.checkpoint;

import java.util.List;

/**
 * One tensor in a safetensors file.
 *
 * @param name its name, unique in the file
 * @param type its elements' type
 * @param shape its sizes; empty for a scalar
 * @param begin its first byte, counted from the end of the header
 * @param end the byte after its last
 */
public record TensorEntry(String name, TensorType type, List<Long> shape, long begin, long end) {

  /** Checks nothing that {@link SafeTensorsHeader} has not. */
  public TensorEntry {
    shape = List.copyOf(shape);
  }

  /** Number of elements. */
  public long elements() {
    return (end - begin) / type.bytes();
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
