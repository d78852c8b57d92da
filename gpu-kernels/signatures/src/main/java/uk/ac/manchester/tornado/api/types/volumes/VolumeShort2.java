package uk.ac.manchester.tornado.api.types.volumes;

import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.vectors.Short2;

/** An array as one of pairs, with three dimensions. */
public final class VolumeShort2 {
  private final int width;
  private final int height;
  private final ShortArray storage;

  /** On an array's memory. */
  public VolumeShort2(int width, int height, int depth, ShortArray array) {
    this.width = width;
    this.height = height;
    storage = array;
  }

  /** A pair of neighbours; coordinates are not held against the sizes. */
  public Short2 get(int x, int y, int z) {
    int at = 2 * (x + width * (y + height * z));
    return new Short2(storage.get(at), storage.get(at + 1));
  }
}
