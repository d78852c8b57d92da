package org.freetransformer.tensor.device;

import org.freetransformer.tensor.device.scalar.ScalarDevice;

/** The oracle against itself: it leaves everything else alone, and repeats itself bit by bit. */
class ScalarParityTest extends DeviceParity {
  @Override
  Device open() {
    return new ScalarDevice();
  }
}
