package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Numbers of type int. */
public final class IntArray extends TornadoNativeArray {
  /** An array of zeros. */
  public IntArray(int numberOfElements) {
    this(Arena.ofAuto().allocate(ARRAY_HEADER + (long) numberOfElements * Integer.BYTES, 64));
  }

  private IntArray(MemorySegment whole) {
    super(whole);
  }

  /** An array in memory that begins with a header. */
  public static IntArray fromSegmentShallow(MemorySegment segment) {
    return new IntArray(segment);
  }

  /** A copy of values. */
  public static IntArray fromArray(int[] values) {
    IntArray array = new IntArray(values.length);
    array.getSegment().copyFrom(MemorySegment.ofArray(values));
    return array;
  }

  /** An element. */
  public int get(int index) {
    return getSegment().getAtIndex(ValueLayout.JAVA_INT, index);
  }

  /** Sets an element. */
  public void set(int index, int value) {
    getSegment().setAtIndex(ValueLayout.JAVA_INT, index, value);
  }

  @Override
  public TornadoNativeArray another() {
    return new IntArray(getSize());
  }
}
