package uk.ac.manchester.tornado.api;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** The device's copies of arrays, apart from the host's, so that a missing transfer is seen. */
final class DeviceMemory {
  private final Map<TornadoNativeArray, TornadoNativeArray> copies =
      Collections.synchronizedMap(new IdentityHashMap<>());

  void transferToDevice(TornadoNativeArray array, boolean always) {
    boolean there = copies.containsKey(array);
    TornadoNativeArray copy = copies.computeIfAbsent(array, TornadoNativeArray::another);
    if (always || !there) {
      copy.getSegment().copyFrom(array.getSegment());
    }
  }

  void transferToHost(TornadoNativeArray array, long byteOffset, long bytes) {
    TornadoNativeArray copy = copies.get(array);
    if (copy == null) {
      throw new IllegalStateException("this array was never on the device");
    }
    array
        .getSegment()
        .asSlice(byteOffset, bytes)
        .copyFrom(copy.getSegment().asSlice(byteOffset, bytes));
  }

  @SuppressWarnings("unchecked") // A copy is of its array's class.
  <T> T onDevice(T argument) {
    if (argument instanceof TornadoNativeArray array) {
      TornadoNativeArray copy = copies.get(array);
      if (copy == null) {
        throw new IllegalStateException("a task uses an array that was not brought to the device");
      }
      return (T) copy;
    }
    return argument;
  }
}
