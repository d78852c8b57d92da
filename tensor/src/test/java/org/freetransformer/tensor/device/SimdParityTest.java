package org.freetransformer.tensor.device;

import org.freetransformer.tensor.device.simd.SimdDevice;

/** The SIMD device, with two threads, against the scalar one. */
class SimdParityTest extends DeviceParity {
  @Override
  Device open() {
    return new SimdDevice(2);
  }
}
