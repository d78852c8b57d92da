package org.freetransformer.tensor.device;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
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

  /** Devices beyond those of the CPU, of all providers on the class path. */
  public static List<DeviceProvider.Listing> provided() {
    List<DeviceProvider.Listing> all = new ArrayList<>();
    for (DeviceProvider provider : ServiceLoader.load(DeviceProvider.class)) {
      all.addAll(provider.devices());
    }
    return all;
  }

  /**
   * One of {@link #provided} that can be opened.
   *
   * @param id such as {@code opencl:0}
   * @throws IllegalArgumentException if it is not there, saying what is, or what is missing
   */
  public static DeviceProvider.Listing provided(String id) {
    return find(id).listing();
  }

  /**
   * Opens a device beyond the CPU.
   *
   * @param id such as {@code opencl:0}
   * @param threads of the host, for what is not computed on the device
   * @throws IllegalArgumentException if it is not there, saying what is, or what is missing
   */
  public static Device open(String id, int threads) {
    return find(id).provider().open(id, threads);
  }

  private record Found(DeviceProvider provider, DeviceProvider.Listing listing) {}

  private static Found find(String id) {
    List<String> why = new ArrayList<>();
    for (DeviceProvider provider : ServiceLoader.load(DeviceProvider.class)) {
      for (DeviceProvider.Listing listing : provider.devices()) {
        if (listing.whyNot() != null) {
          why.add(listing.whyNot());
        } else if (listing.id().equals(id)) {
          return new Found(provider, listing);
        } else {
          why.add("there is " + listing.id());
        }
      }
    }
    throw new IllegalArgumentException(
        "'%s' is not available%s"
            .formatted(id, why.isEmpty() ? "" : ": " + String.join("; ", why)));
  }
}
