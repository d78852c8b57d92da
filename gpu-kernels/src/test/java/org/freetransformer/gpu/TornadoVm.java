package org.freetransformer.gpu;

import org.freetransformer.tensor.device.DeviceProvider.Listing;

/** The device that these tests run on: the SDK's first one, or the kernels' Java bodies. */
public final class TornadoVm {
  private static final long MEMORY = 32L << 20;

  private TornadoVm() {}

  /** Whether a real device computes, not Java. */
  public static boolean isReal() {
    return new TornadoVmDevices().devices().getFirst().whyNot() == null;
  }

  /** Opens it, and says which it is. */
  public static TornadoVmDevice open() {
    return open(MEMORY);
  }

  /** Opens it with so many bytes for f32, at most those of {@link #open()}. */
  static synchronized TornadoVmDevice open(long memory) {
    System.setProperty(TornadoVmDevice.MEMORY_PROPERTY, Long.toString(MEMORY));
    TornadoVmDevices devices = new TornadoVmDevices();
    Listing first = devices.devices().getFirst(); // Now TornadoVM has its limit, for all that come.
    System.setProperty(TornadoVmDevice.MEMORY_PROPERTY, Long.toString(memory));
    if (first.whyNot() == null) {
      System.out.printf("GPU kernels run on %s, %s%n", first.id(), first.name());
      return (TornadoVmDevice) devices.open(first.id(), 1);
    }
    System.out.println(
        "GPU kernels run as Java, one work group after the other: no device of TornadoVM");
    return new TornadoVmDevice("java", null, 1);
  }
}
