package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Strided operands in a kernel's args: {@code [n, dims × 5, then for each view offset, strides ×
 * 5]}, where n is the number of elements and dims are padded in front with ones.
 */
final class Views {
  /** Dimensions of every view. */
  static final int RANK = 5;

  /** Where the first view stands in the args. */
  static final int FIRST = 1 + RANK;

  /** Integers of one view. */
  static final int SIZE = 1 + RANK;

  private Views() {}

  /** Heap index of element {@code i}, counted row-major, of view number {@code view}. */
  static int at(IntArray args, int view, int i) {
    int base = FIRST + view * SIZE;
    int index = args.get(base);
    int left = i;
    for (int axis = RANK; axis > 0; axis--) {
      int dim = args.get(axis);
      int here = left % dim;
      left = left / dim;
      index += here * args.get(base + axis);
    }
    return index;
  }
}
