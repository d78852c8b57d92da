package org.freetransformer.gpu;

import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * Arrays of their own for a library's operands and its result: TornadoVM gives a library the
 * address of an array's first element, while a tensor is a place within a heap.
 *
 * @param a the first operand
 * @param b the second operand
 * @param out the result
 */
record Panels(FloatArray a, FloatArray b, FloatArray out) {
  /** Which of them. */
  enum Panel {
    A,
    B,
    OUT
  }

  /** Of so many numbers each. */
  static Panels of(int words) {
    return new Panels(new FloatArray(words), new FloatArray(words), new FloatArray(words));
  }

  FloatArray get(Panel panel) {
    return switch (panel) {
      case A -> a;
      case B -> b;
      case OUT -> out;
    };
  }

  /** All of them. */
  List<FloatArray> all() {
    return List.of(a, b, out);
  }
}
