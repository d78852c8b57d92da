package org.freetransformer.tensor.device;

import org.freetransformer.tensor.device.scalar.ScalarDevice;

/** The devices that this machine has. */
public final class Devices {
  private Devices() {}

  /** The plain loops: the oracle of every other device, one thread, any floating type. */
  public static Device scalar() {
    return new ScalarDevice();
  }
}
