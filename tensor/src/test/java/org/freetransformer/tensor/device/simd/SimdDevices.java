package org.freetransformer.tensor.device.simd;

import org.freetransformer.tensor.device.Device;

/** Devices that compute in one way whatever has been compiled. */
public final class SimdDevices {
  private SimdDevices() {}

  /** Plain loops wherever there are any. */
  public static Device cold(int threads) {
    return new SimdDevice(threads, ColdKernels.forGood());
  }

  /** Vector loops from the first call on. */
  public static Device warm(int threads) {
    return new SimdDevice(threads, ColdKernels.none());
  }
}
