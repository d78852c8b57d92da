package org.freetransformer.tensor.device;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.atomic.AtomicBoolean;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.freetransformer.tensor.device.simd.SimdDevice;

/** The devices that this machine has. */
public final class Devices {
  private static final String VECTOR_MODULE = "jdk.incubator.vector";
  private static final AtomicBoolean warned = new AtomicBoolean();

  private Devices() {}

  /**
   * The fastest device on the CPU: the SIMD one or, in a JVM without the Vector API's module, the
   * scalar one, with one warning that says how to get the other.
   *
   * @param threads how many threads compute, at least 1; the scalar device uses one
   * @throws IllegalArgumentException if {@code threads} is not positive
   */
  public static Device cpu(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: %d, allowed are 1 or more".formatted(threads));
    }
    if (ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent()) {
      return new SimdDevice(threads);
    }
    if (!warned.getAndSet(true)) {
      Logger logger = System.getLogger(Devices.class.getName());
      logger.log(
          Level.WARNING,
          "Computing with plain loops on one thread, which is many times slower: start Java with"
              + " --add-modules {0} for the SIMD device",
          VECTOR_MODULE);
    }
    return scalar();
  }

  /** The plain loops: the oracle of every other device, one thread, any floating type. */
  public static Device scalar() {
    return new ScalarDevice();
  }
}
