package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.Layout;

/** From the number of an element, counted row-major, to its position in the storage. */
final class Positions {
  private final int[] dims;
  private final long[] strides;
  private final long offset;
  private final boolean contiguous;

  Positions(Layout layout) {
    this.dims = layout.shape().toArray();
    this.strides = new long[dims.length];
    for (int axis = 0; axis < dims.length; axis++) {
      strides[axis] = layout.stride(axis);
    }
    this.offset = layout.offset();
    this.contiguous = layout.isContiguous();
  }

  /** Where element {@code index} lies, in elements from the storage's start. */
  long of(long index) {
    if (contiguous) {
      return offset + index;
    }
    long rest = index;
    long position = offset;
    for (int axis = dims.length - 1; axis >= 0 && rest > 0; axis--) {
      position += rest % dims[axis] * strides[axis];
      rest /= dims[axis];
    }
    return position;
  }

  /** Distance between neighbours along the last axis. */
  long lastStride() {
    return contiguous ? 1 : strides[strides.length - 1];
  }
}
