package org.freetransformer.gpu;

import java.util.Arrays;
import org.freetransformer.tensor.Layout;

/** Writes the args of a launch. */
final class Args {
  private int[] values = new int[48];
  private int size;

  /** Appends numbers. */
  Args add(int... more) {
    values = size + more.length > values.length ? Arrays.copyOf(values, 2 * values.length) : values;
    System.arraycopy(more, 0, values, size, more.length);
    size += more.length;
    return this;
  }

  /** Replaces numbers from {@code at} on. */
  Args set(int at, int... others) {
    System.arraycopy(others, 0, values, at, others.length);
    return this;
  }

  /** Appends 1 or 0. */
  Args add(boolean flag) {
    return add(flag ? 1 : 0);
  }

  /** The head of {@link Views}: number of elements and padded sizes. */
  Args dims(Layout layout) {
    int rank = layout.shape().rank();
    if (rank > Views.RANK) {
      throw new UnsupportedOperationException(
          "the GPU device takes at most %d dimensions, this has %d: %s"
              .formatted(Views.RANK, rank, layout));
    }
    add(Math.toIntExact(layout.shape().size()));
    for (int i = rank; i < Views.RANK; i++) {
      add(1);
    }
    for (int i = 0; i < rank; i++) {
      add(layout.shape().dim(i));
    }
    return this;
  }

  /** One of {@link Views}: where it starts, and its strides, 0 in the padding. */
  Args view(int place, Layout layout) {
    int rank = layout.shape().rank();
    add(place);
    for (int i = rank; i < Views.RANK; i++) {
      add(0);
    }
    for (int i = 0; i < rank; i++) {
      add(Math.toIntExact(layout.stride(i)));
    }
    return this;
  }

  int[] toArray() {
    return Arrays.copyOf(values, size);
  }
}
