package org.freetransformer.tensor.device;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Devices beyond those of the CPU: an implementation is found by {@link java.util.ServiceLoader},
 * and nothing but that knows of it.
 */
public interface DeviceProvider {
  /**
   * A device that is there, or that would be if something were not missing.
   *
   * @param id as a user names it, such as {@code opencl:0}
   * @param name what it is
   * @param kind {@code gpu}, {@code cpu} or what else computes there; {@code gpu} if unknown
   * @param memory its memory in bytes, 0 if unknown
   * @param whyNot what is missing and how to get it; null if it can be opened
   */
  record Listing(String id, String name, String kind, long memory, @Nullable String whyNot) {}

  /** The devices, at least one line even if none is there. */
  List<Listing> devices();

  /**
   * Opens a device.
   *
   * @param id of one of {@link #devices}
   * @param threads of the host, for what is not computed on the device
   * @return the device; the caller closes it
   * @throws IllegalArgumentException if there is none of that id, saying why
   */
  Device open(String id, int threads);
}
