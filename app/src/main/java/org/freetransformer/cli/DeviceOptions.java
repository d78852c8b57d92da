package org.freetransformer.cli;

import java.util.List;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;
import org.freetransformer.config.Nearest;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which device computes, and with how many threads. */
final class DeviceOptions {
  static final int MOST_THREADS = 1024;

  private static final List<String> CHOICES =
      List.of("auto", "cpu", "scalar", "opencl:0", "cuda:0");

  @Option(
      names = "--device",
      paramLabel = "D",
      defaultValue = "auto",
      description =
          "auto, cpu, scalar, opencl:N or cuda:N: see ft devices (default: ${DEFAULT-VALUE}).")
  private String device = "auto";

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "Threads that compute, 1 to "
              + MOST_THREADS
              + " (default: all processors). Results do not depend on it.")
  private @Nullable Integer threads;

  /**
   * Opens the chosen device.
   *
   * @throws ConfigException if there is no such device, or the number of threads is out of range
   */
  Engine open() {
    return open(1);
  }

  /** The same as one of several that share the processors. */
  Engine open(int sharing) {
    int count = count(sharing);
    Device chosen =
        switch (device) {
          case "auto", "cpu" -> Devices.cpu(count);
          case "scalar" -> Devices.scalar();
          default -> provided(count);
        };
    return Engine.on(chosen);
  }

  /**
   * Opens an engine on the CPU beside that of a device with memory of its own, for what the host
   * keeps; null where the chosen device computes on the CPU itself.
   *
   * @param sharing as in {@link #open(int)}
   */
  @Nullable Engine openHost(int sharing) {
    return hasMemory() ? Engine.on(Devices.cpu(count(sharing))) : null;
  }

  /** Whether the chosen device has memory of its own. */
  boolean hasMemory() {
    return device.contains(":");
  }

  private int count(int sharing) {
    int each = Math.max(1, Runtime.getRuntime().availableProcessors() / sharing);
    int count = threads == null ? each : threads;
    Limits.between("--threads", count, 1, MOST_THREADS);
    return count;
  }

  /** A device of a kind that a provider on the class path knows. */
  private Device provided(int count) {
    int colon = device.indexOf(':');
    if (colon < 0) {
      throw unknown();
    }
    try {
      return Devices.open(device, count);
    } catch (IllegalArgumentException missing) {
      throw new ConfigException("--device", String.valueOf(missing.getMessage()));
    }
  }

  private ConfigException unknown() {
    String hint = Nearest.to(device, CHOICES).map(near -> "; nearest is " + near).orElse("");
    return new ConfigException(
        "--device",
        "'%s' is unknown; allowed are %s%s".formatted(device, String.join(", ", CHOICES), hint));
  }
}
