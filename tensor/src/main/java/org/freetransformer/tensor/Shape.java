package org.freetransformer.tensor;

import java.util.Arrays;

/** The sizes of a tensor's dimensions, outermost first. A scalar has rank 0 and size 1. */
public final class Shape {
  private final int[] dims;
  private final long size;

  private Shape(int[] dims) {
    this.dims = dims;
    this.size = product(dims);
  }

  private static long product(int[] dims) {
    boolean hasZero = false;
    for (int dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException(
            "negative dimension in shape " + Arrays.toString(dims) + ": sizes are 0 or more");
      }
      hasZero |= dim == 0;
    }
    long product = hasZero ? 0 : 1;
    for (int dim : dims) {
      if (Math.multiplyHigh(product, dim) != 0 || product * dim < 0) {
        throw new IllegalArgumentException(
            "shape %s has too many elements: at most 2^63 - 1 can be counted"
                .formatted(Arrays.toString(dims)));
      }
      product *= dim;
    }
    return product;
  }

  /**
   * Makes a shape.
   *
   * @throws IllegalArgumentException if a size is negative, or there are more elements than a long
   *     counts
   */
  public static Shape of(int... dims) {
    return new Shape(dims.clone());
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /** Number of elements: the product of all sizes. */
  public long size() {
    return size;
  }

  /**
   * Number of elements, where an array or a dimension must hold them.
   *
   * @param what needs them, for the message
   * @throws IllegalArgumentException if they are more than an int counts
   */
  public int sizeAsInt(String what) {
    if (size > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "%s: shape %s has %d elements, of which %d are possible"
              .formatted(what, this, size, Integer.MAX_VALUE));
    }
    return (int) size;
  }

  /**
   * Size of one dimension; negative axes count from the end, −1 being the last.
   *
   * @throws IndexOutOfBoundsException if there is no such axis
   */
  public int dim(int axis) {
    return dims[axis(axis)];
  }

  /**
   * The axis as a number from 0; negative axes count from the end.
   *
   * @throws IndexOutOfBoundsException if there is no such axis
   */
  public int axis(int axis) {
    int positive = axis < 0 ? axis + dims.length : axis;
    if (positive < 0 || positive >= dims.length) {
      throw new IndexOutOfBoundsException(
          dims.length == 0
              ? "axis %d of shape []: a scalar has no axes".formatted(axis)
              : "axis %d of shape %s: allowed are %d to %d"
                  .formatted(axis, this, -dims.length, dims.length - 1));
    }
    return positive;
  }

  /** A copy of the sizes. */
  public int[] toArray() {
    return dims.clone();
  }

  /** This shape with one size replaced. */
  public Shape with(int axis, int dim) {
    int[] changed = dims.clone();
    changed[axis(axis)] = dim;
    return new Shape(changed);
  }

  /**
   * The shape to which two shapes broadcast: aligned at the last dimension, sizes are equal or one
   * of them is 1.
   *
   * @throws IllegalArgumentException if the shapes do not broadcast
   */
  public static Shape broadcast(Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    int[] dims = new int[rank];
    for (int i = 1; i <= rank; i++) {
      int da = i <= a.rank() ? a.dims[a.rank() - i] : 1;
      int db = i <= b.rank() ? b.dims[b.rank() - i] : 1;
      if (da != db && da != 1 && db != 1) {
        throw new IllegalArgumentException(
            "shapes %s and %s do not broadcast: sizes %d and %d, %d from the end, must be equal or 1"
                .formatted(a, b, da, db, i));
      }
      dims[rank - i] = da == 1 ? db : da;
    }
    return new Shape(dims);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  @Override
  public String toString() {
    return Arrays.toString(dims).replace(" ", "");
  }
}
