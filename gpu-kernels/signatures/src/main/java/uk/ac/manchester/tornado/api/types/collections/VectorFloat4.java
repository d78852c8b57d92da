package uk.ac.manchester.tornado.api.types.collections;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.vectors.Float4;

/** An array as one of fours. */
public final class VectorFloat4 {
  private final FloatArray storage;

  /** On an array's memory. */
  public VectorFloat4(FloatArray array) {
    storage = array;
  }

  /** A four of neighbours. */
  public Float4 get(int index) {
    int at = 4 * index;
    return new Float4(
        storage.get(at), storage.get(at + 1), storage.get(at + 2), storage.get(at + 3));
  }
}
