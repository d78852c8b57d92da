package org.freetransformer.tensor.device;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;

/**
 * An operand of an instruction: where its elements are, of what type, and how they lie.
 *
 * @param storage the memory
 * @param dtype the type of the elements
 * @param layout sizes, strides and offset, in elements
 */
public record Buffer(Storage storage, DType dtype, Layout layout) {
  /**
   * Checks that the layout stays within the storage.
   *
   * @throws IllegalArgumentException if it does not
   */
  public Buffer {
    if (layout.end() > storage.bytes() / dtype.bytes()) {
      throw new IllegalArgumentException(
          "layout %s of %s needs %d elements, the storage has %d"
              .formatted(layout, dtype, layout.end(), storage.bytes() / dtype.bytes()));
    }
  }

  /** The sizes. */
  public Shape shape() {
    return layout.shape();
  }

  /** Size of one dimension; negative axes count from the end. */
  public int dim(int axis) {
    return layout.shape().dim(axis);
  }

  /** Number of elements. */
  public long size() {
    return layout.shape().size();
  }

  /** Bytes that the elements take. */
  public long bytes() {
    return size() * dtype.bytes();
  }

  /** Bytes of the elements without those that a stride of 0 repeats. */
  public long distinctBytes() {
    long elements = 1;
    for (int axis = 0; axis < shape().rank(); axis++) {
      elements *= layout.stride(axis) == 0 ? Math.min(1, dim(axis)) : dim(axis);
    }
    return elements * dtype.bytes();
  }

  /** Whether the elements lie row-major without gaps. */
  public boolean isContiguous() {
    return layout.isContiguous();
  }

  /** The same memory under another layout. */
  public Buffer with(Layout other) {
    return new Buffer(storage, dtype, other);
  }

  @Override
  public String toString() {
    return dtype.name().toLowerCase(java.util.Locale.ROOT) + layout;
  }
}
