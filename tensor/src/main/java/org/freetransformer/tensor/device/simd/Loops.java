package org.freetransformer.tensor.device.simd;

import java.util.Arrays;
import org.freetransformer.tensor.Layout;

/**
 * The loops over several operands of one shape, with as few dimensions as their strides allow:
 * neighbouring axes that all operands walk in one stride are one axis, unless an {@code int} could
 * not count its elements.
 */
final class Loops {
  private final int[] dims;
  private final long[][] strides;

  private Loops(int[] dims, long[][] strides) {
    this.dims = dims;
    this.strides = strides;
  }

  /** Merges the axes of layouts of equal shape. */
  static Loops over(Layout... layouts) {
    int rank = layouts[0].shape().rank();
    int[] dims = new int[Math.max(1, rank)];
    long[][] strides = new long[layouts.length][Math.max(1, rank)];
    int used = 0;
    for (int axis = 0; axis < rank; axis++) {
      int dim = layouts[0].shape().dim(axis);
      if (dim == 1) {
        continue;
      }
      if (used > 0 && mergeable(layouts, dims, strides, used - 1, axis)) {
        used--;
        dims[used] *= dim;
      } else {
        dims[used] = dim;
      }
      for (int k = 0; k < layouts.length; k++) {
        strides[k][used] = layouts[k].stride(axis);
      }
      used++;
    }
    if (used == 0) {
      dims[used++] = 1;
      for (long[] stride : strides) {
        stride[0] = 1;
      }
    }
    int[] merged = Arrays.copyOf(dims, used);
    for (int k = 0; k < strides.length; k++) {
      strides[k] = Arrays.copyOf(strides[k], used);
    }
    return new Loops(merged, strides);
  }

  private static boolean mergeable(
      Layout[] layouts, int[] dims, long[][] strides, int outer, int axis) {
    int dim = layouts[0].shape().dim(axis);
    if ((long) dims[outer] * dim > Integer.MAX_VALUE) {
      return false;
    }
    for (int k = 0; k < layouts.length; k++) {
      if (strides[k][outer] != layouts[k].stride(axis) * dim) {
        return false;
      }
    }
    return true;
  }

  /** How many elements there are. */
  long size() {
    long size = 1;
    for (int dim : dims) {
      size *= dim;
    }
    return size;
  }

  /** How many loops there are. */
  int rank() {
    return dims.length;
  }

  /** Length of a loop; −1 is the innermost, −2 the one around it. */
  int dim(int fromEnd) {
    return dims[dims.length + fromEnd];
  }

  /** Stride of an operand along a loop, counted as in {@link #dim}. */
  long stride(int operand, int fromEnd) {
    return strides[operand][dims.length + fromEnd];
  }

  /** Length of the innermost loop. */
  int inner() {
    return dims[dims.length - 1];
  }

  /** Stride of an operand along the innermost loop. */
  long innerStride(int operand) {
    return strides[operand][dims.length - 1];
  }

  /** Whether an operand's elements lie one after the other, in the order of the loops. */
  boolean isContiguous(int operand) {
    long expected = 1;
    for (int axis = dims.length - 1; axis >= 0; axis--) {
      if (strides[operand][axis] != expected) {
        return false;
      }
      expected *= dims[axis];
    }
    return true;
  }

  /** Where an operand's element {@code index} lies, in elements from its first. */
  long position(int operand, long index) {
    int last = dims.length - 1;
    if (last == 0) {
      return index * strides[operand][0];
    }
    long rest = index;
    long position = 0;
    for (int axis = last; axis > 0; axis--) {
      position += rest % dims[axis] * strides[operand][axis];
      rest /= dims[axis];
    }
    return position + rest * strides[operand][0];
  }
}
