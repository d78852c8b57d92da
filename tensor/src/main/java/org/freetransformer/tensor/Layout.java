package org.freetransformer.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How a tensor's elements lie in its storage: element (i0, i1, …) is at {@code offset + i0·stride0
 * + i1·stride1 + …}, counted in elements. A broadcast dimension has stride 0. Layouts are values;
 * they know nothing of the storage.
 */
public final class Layout {
  private final Shape shape;
  private final long[] strides;
  private final long offset;

  private Layout(Shape shape, long[] strides, long offset) {
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
  }

  /** Row-major without gaps, from offset 0. */
  public static Layout contiguous(Shape shape) {
    return new Layout(shape, contiguousStrides(shape), 0);
  }

  private static long[] contiguousStrides(Shape shape) {
    long[] strides = new long[shape.rank()];
    long stride = 1;
    for (int i = strides.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape.dim(i);
    }
    return strides;
  }

  /** The sizes. */
  public Shape shape() {
    return shape;
  }

  /** Distance in elements between neighbours along an axis (negative axes count from the end). */
  public long stride(int axis) {
    return strides[shape.axis(axis)];
  }

  /** Position of the first element, in elements from the storage's start. */
  public long offset() {
    return offset;
  }

  /** Whether the elements lie row-major without gaps (wherever they start). */
  public boolean isContiguous() {
    if (shape.size() <= 1) {
      return true;
    }
    long expected = 1;
    for (int i = strides.length - 1; i >= 0; i--) {
      if (shape.dim(i) != 1 && strides[i] != expected) {
        return false;
      }
      expected *= shape.dim(i);
    }
    return true;
  }

  /** Two axes swapped. */
  public Layout transpose(int axis1, int axis2) {
    int[] order = new int[shape.rank()];
    Arrays.setAll(order, i -> i);
    int a = shape.axis(axis1);
    int b = shape.axis(axis2);
    order[a] = b;
    order[b] = a;
    return permute(order);
  }

  /**
   * The axes in another order: axis {@code i} of the result is axis {@code order[i]} of this.
   *
   * @throws IllegalArgumentException if {@code order} is not a permutation of the axes
   */
  public Layout permute(int... order) {
    int[] sorted = order.clone();
    Arrays.sort(sorted);
    for (int i = 0; i < sorted.length; i++) {
      if (sorted[i] != i) {
        throw new IllegalArgumentException(
            "%s is not an order of the axes of %s".formatted(Arrays.toString(order), shape));
      }
    }
    if (order.length != shape.rank()) {
      throw new IllegalArgumentException(
          "%s does not name each axis of %s once".formatted(Arrays.toString(order), shape));
    }
    int[] dims = new int[order.length];
    long[] permuted = new long[order.length];
    for (int i = 0; i < order.length; i++) {
      dims[i] = shape.dim(order[i]);
      permuted[i] = strides[order[i]];
    }
    return new Layout(Shape.of(dims), permuted, offset);
  }

  /**
   * The part of an axis from {@code start}, {@code length} long.
   *
   * @throws IndexOutOfBoundsException if the part leaves the axis
   */
  public Layout narrow(int axis, int start, int length) {
    int a = shape.axis(axis);
    if (start < 0 || length < 0 || start > shape.dim(a) - length) {
      throw new IndexOutOfBoundsException(
          "part %d..%d of axis %d of %s: allowed are 0..%d"
              .formatted(start, (long) start + length, axis, shape, shape.dim(a)));
    }
    return new Layout(shape.with(a, length), strides, offset + start * strides[a]);
  }

  /**
   * Size-1 and missing leading dimensions repeated without a copy, by stride 0.
   *
   * @throws IllegalArgumentException if this shape does not broadcast to {@code target}
   */
  public Layout broadcastTo(Shape target) {
    int lead = target.rank() - shape.rank();
    boolean fits = lead >= 0;
    long[] broadcast = new long[target.rank()];
    for (int i = 0; fits && i < target.rank(); i++) {
      int dim = i < lead ? 1 : shape.dim(i - lead);
      fits = dim == 1 || dim == target.dim(i);
      broadcast[i] = i < lead || dim != target.dim(i) ? 0 : strides[i - lead];
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "shape %s does not broadcast to %s".formatted(shape, target));
    }
    return new Layout(target, broadcast, offset);
  }

  /**
   * The same elements under another shape, without moving any.
   *
   * @throws IllegalArgumentException if sizes differ, or these strides cannot carry the new shape
   *     (make the tensor contiguous first)
   */
  public Layout reshape(Shape target) {
    if (target.size() != shape.size()) {
      throw new IllegalArgumentException(
          "shape %s has %d elements, %s has %d"
              .formatted(shape, shape.size(), target, target.size()));
    }
    long[] reshaped = reshapedStrides(target);
    if (reshaped == null) {
      throw new IllegalArgumentException(
          "a view of shape %s with strides %s cannot be seen as %s: make it contiguous first"
              .formatted(shape, Arrays.toString(strides), target));
    }
    return new Layout(target, reshaped, offset);
  }

  /** Whether {@link #reshape} can give the new shape without a copy. */
  public boolean canReshape(Shape target) {
    return target.size() == shape.size() && reshapedStrides(target) != null;
  }

  /** The strides that a shape of equal size needs, or null if none give the same elements. */
  private long @Nullable [] reshapedStrides(Shape target) {
    return isContiguous() ? contiguousStrides(target) : regroup(target);
  }

  /** Walks both shapes in step, group by group of equal products; null if one is not gap-free. */
  private long @Nullable [] regroup(Shape target) {
    long[] regrouped = new long[target.rank()];
    int from = 0;
    int to = 0;
    while (to < target.rank()) {
      int fromEnd = from;
      int toEnd = to;
      long fromSize = 1;
      long toSize = target.dim(toEnd++);
      while (fromSize != toSize) {
        if (fromSize < toSize) {
          fromSize *= shape.dim(fromEnd++);
        } else {
          toSize *= target.dim(toEnd++);
        }
      }
      if (toSize == 1) {
        regrouped[to] = 0;
        to = toEnd;
        continue;
      }
      while (fromEnd < shape.rank() && shape.dim(fromEnd) == 1) {
        fromEnd++;
      }
      int last = fromEnd - 1;
      while (shape.dim(last) == 1) {
        last--;
      }
      if (!isGapFree(from, last)) {
        return null;
      }
      long stride = strides[last];
      for (int i = toEnd - 1; i >= to; i--) {
        regrouped[i] = stride;
        stride *= target.dim(i);
      }
      from = fromEnd;
      to = toEnd;
    }
    return regrouped;
  }

  /** Whether one stride leads through the axes {@code from} to {@code last} as if they were one. */
  private boolean isGapFree(int from, int last) {
    long expected = strides[last];
    for (int i = last; i >= from; i--) {
      if (shape.dim(i) != 1 && strides[i] != expected) {
        return false;
      }
      expected *= shape.dim(i);
    }
    return true;
  }

  /** One past the largest element position that this layout touches; 0 if it is empty. */
  public long end() {
    if (shape.size() == 0) {
      return 0;
    }
    long last = offset;
    for (int i = 0; i < strides.length; i++) {
      last += (shape.dim(i) - 1) * strides[i];
    }
    return last + 1;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Layout layout
        && offset == layout.offset
        && shape.equals(layout.shape)
        && Arrays.equals(strides, layout.strides);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * shape.hashCode() + Arrays.hashCode(strides)) + Long.hashCode(offset);
  }

  @Override
  public String toString() {
    return shape + (isContiguous() ? "" : " strides " + Arrays.toString(strides));
  }
}
