package uk.ac.manchester.tornado.api;

import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** A part of an array, in elements. */
public class DataRange {
  private final TornadoNativeArray array;
  private long offset;
  private long size;

  /** All of an array. */
  public DataRange(TornadoNativeArray array) {
    this.array = array;
    this.size = array.getSize();
  }

  /** From this element on. */
  public DataRange withOffset(long first) {
    offset = first;
    return this;
  }

  /** So many elements. */
  public DataRange withSize(long elements) {
    size = elements;
    return this;
  }

  TornadoNativeArray array() {
    return array;
  }

  long byteOffset() {
    return offset * array.getElementSize();
  }

  long bytes() {
    return size * array.getElementSize();
  }
}
