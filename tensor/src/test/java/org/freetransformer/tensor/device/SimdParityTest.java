package org.freetransformer.tensor.device;

import org.freetransformer.tensor.device.simd.SimdDevices;

/** The SIMD device, with two threads, against the scalar one. */
class SimdParityTest extends DeviceParity {
  @Override
  Device open() {
    return SimdDevices.warm(2);
  }
}
