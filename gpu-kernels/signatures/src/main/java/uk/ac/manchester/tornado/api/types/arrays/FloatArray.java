package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Numbers of type float. */
public final class FloatArray extends TornadoNativeArray {
  /** An array of zeros. */
  public FloatArray(int numberOfElements) {
    this(Arena.ofAuto().allocate(ARRAY_HEADER + (long) numberOfElements * Integer.BYTES, 64));
  }

  private FloatArray(MemorySegment whole) {
    super(whole);
  }

  /** An array in memory that begins with a header. */
  public static FloatArray fromSegmentShallow(MemorySegment segment) {
    return new FloatArray(segment);
  }

  /** A copy of values. */
  public static FloatArray fromArray(float[] values) {
    FloatArray array = new FloatArray(values.length);
    array.getSegment().copyFrom(MemorySegment.ofArray(values));
    return array;
  }

  /** An element. */
  public float get(int index) {
    return getSegment().getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }

  /** Sets an element. */
  public void set(int index, float value) {
    getSegment().setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
  }

  @Override
  public TornadoNativeArray another() {
    return new FloatArray(getSize());
  }
}
