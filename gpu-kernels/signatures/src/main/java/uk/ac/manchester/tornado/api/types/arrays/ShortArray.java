package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Numbers of type short. */
public final class ShortArray extends TornadoNativeArray {
  /** An array of zeros. */
  public ShortArray(int numberOfElements) {
    this(Arena.ofAuto().allocate(ARRAY_HEADER + (long) numberOfElements * Short.BYTES, 64));
  }

  private ShortArray(MemorySegment whole) {
    super(whole);
  }

  /** An array in memory that begins with a header. */
  public static ShortArray fromSegmentShallow(MemorySegment segment) {
    return new ShortArray(segment);
  }

  /** An element. */
  public short get(int index) {
    return getSegment().getAtIndex(ValueLayout.JAVA_SHORT, index);
  }

  /** Sets an element. */
  public void set(int index, short value) {
    getSegment().setAtIndex(ValueLayout.JAVA_SHORT, index, value);
  }

  @Override
  public int getElementSize() {
    return Short.BYTES;
  }

  @Override
  public TornadoNativeArray another() {
    return new ShortArray(getSize());
  }
}
