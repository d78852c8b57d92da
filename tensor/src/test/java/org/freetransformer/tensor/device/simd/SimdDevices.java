package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Device;

/** Devices that compute in one way whatever has been compiled. */
public final class SimdDevices {
  private SimdDevices() {}

  /** Plain loops wherever there are any. */
  public static Device cold(int threads) {
    return new SimdDevice(threads, ColdKernels.forGood());
  }

  /**
   * Fills scratch memory as a step does that is not finite: whatever kernels left there, it is NaN.
   */
  public static void spoilScratch(Device device) {
    SimdDevice simd = (SimdDevice) device;
    for (int worker = 0; worker < simd.workers.size(); worker++) {
      for (int slot = 0; slot < Workers.SLOTS; slot++) {
        Arrays.fill(simd.workers.array(slot, worker), Float.NaN);
      }
      Arrays.fill(simd.workers.words(worker), -1);
      spoil(simd.workers.segment(worker));
      spoil(simd.workers.transposeRoom(worker));
    }
    spoil(simd.gemm.wide);
    for (GemmScratch scratch : simd.gemm.scratch) {
      scratch.takePanels();
      for (float[] array :
          List.of(scratch.a, scratch.tile, scratch.lanes, scratch.rows, scratch.panels())) {
        Arrays.fill(array, Float.NaN);
      }
      spoil(scratch.wide);
      spoil(scratch.blocks);
      spoil(scratch.b());
      spoil(scratch.sums());
    }
  }

  private static void spoil(MemorySegment memory) {
    memory.fill((byte) 0xff);
  }

  /** Vector loops from the first call on. */
  public static Device warm(int threads) {
    return new SimdDevice(threads, ColdKernels.none());
  }

  /** A new contiguous buffer on a device, with whatever its memory holds. */
  static Buffer buffer(SimdDevice device, DType dtype, int... dims) {
    Shape shape = Shape.of(dims);
    return new Buffer(
        device.allocate(shape.size() * dtype.bytes(), dtype, "test"),
        dtype,
        Layout.contiguous(shape));
  }
}
