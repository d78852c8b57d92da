package org.freetransformer.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/**
 * A tensor in a PyTorch file: a strided view of a mapped storage.
 *
 * @param type its elements' type
 * @param shape its sizes; empty for a scalar
 * @param strides elements from one index to the next, for every axis
 * @param offset its first element in the storage
 * @param storage the name of the storage in the file; tensors that share one are tied
 * @param bytes the storage, little-endian, read-only and aligned to nothing, valid until the file
 *     is closed
 */
public record TorchTensor(
    TensorType type,
    List<Long> shape,
    List<Long> strides,
    long offset,
    String storage,
    MemorySegment bytes) {

  private static final int MAX_AXES = 64;

  /**
   * Checks that every element lies in the storage.
   *
   * @throws IllegalArgumentException if not, or if elements overlap so that there are more than the
   *     storage holds
   */
  public TorchTensor {
    shape = List.copyOf(shape);
    strides = List.copyOf(strides);
    require(shape.size() == strides.size() && shape.size() <= MAX_AXES, shape, strides);
    long held = bytes.byteSize() / type.bytes();
    long elements = 1;
    long last = offset;
    require(offset >= 0 && offset <= held, shape, strides);
    boolean empty = shape.contains(0L);
    require(isCountable(type, shape), shape, strides);
    for (int axis = 0; axis < shape.size(); axis++) {
      long size = shape.get(axis);
      long stride = strides.get(axis);
      require(size >= 0 && stride >= 0, shape, strides);
      if (!empty) {
        // Each factor stays at most 2^63 / 8, so that neither product can wrap round.
        require(size <= held / elements && (size == 1 || stride <= held), shape, strides);
        elements *= size;
        require(size == 1 || stride <= (held - last) / (size - 1), shape, strides);
        last += (size - 1) * (size == 1 ? 0 : stride);
      }
    }
    require(empty || last < held, shape, strides);
  }

  private static boolean isCountable(TensorType type, List<Long> shape) {
    try {
      return TensorEntry.bytes(type, shape) >= 0;
    } catch (ArithmeticException beyond) {
      return false;
    }
  }

  private static void require(boolean fits, List<Long> shape, List<Long> strides) {
    if (!fits) {
      throw new IllegalArgumentException(
          "a tensor of shape %s and strides %s does not fit its storage".formatted(shape, strides));
    }
  }

  /** Number of elements. */
  public long elements() {
    return shape.stream().reduce(1L, (a, b) -> a * b);
  }

  /** Whether its elements stand in the storage row by row without gaps. */
  public boolean isContiguous() {
    long next = 1;
    for (int axis = shape.size() - 1; axis >= 0; axis--) {
      if (shape.get(axis) != 1 && strides.get(axis) != next) {
        return false;
      }
      next *= shape.get(axis);
    }
    return true;
  }

  /**
   * Its elements row by row, little-endian: a slice of the file where they stand so, else a copy.
   *
   * @param memory where a copy is made
   */
  public MemorySegment rows(SegmentAllocator memory) {
    int width = type.bytes();
    long length = elements() * width;
    if (length == 0 || isContiguous()) {
      return bytes.asSlice(offset * width, length);
    }
    MemorySegment copy = memory.allocate(length, Long.BYTES);
    gather(0, offset, copy, 0);
    return copy;
  }

  /** Copies the elements of the axes from {@code axis} on; gives the number of the next one. */
  private long gather(int axis, long from, MemorySegment to, long next) {
    int width = type.bytes();
    if (axis == shape.size()) {
      MemorySegment.copy(bytes, from * width, to, next * width, width);
      return next + 1;
    }
    long done = next;
    for (long i = 0; i < shape.get(axis); i++) {
      done = gather(axis + 1, from + i * strides.get(axis), to, done);
    }
    return done;
  }
}
