package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;

/** Elements off the heap, behind a header. */
public abstract class TornadoNativeArray {
  /** Bytes of the header. */
  public static final long ARRAY_HEADER = 16;

  private final MemorySegment elements;

  TornadoNativeArray(MemorySegment whole) {
    this.elements = whole.asSlice(ARRAY_HEADER);
  }

  /** Number of elements. */
  public int getSize() {
    return (int) (elements.byteSize() / getElementSize());
  }

  /** Bytes of an element. */
  public int getElementSize() {
    return Integer.BYTES;
  }

  /** The elements. */
  public MemorySegment getSegment() {
    return elements;
  }

  /** An array of the same class and size. */
  public abstract TornadoNativeArray another();
}
