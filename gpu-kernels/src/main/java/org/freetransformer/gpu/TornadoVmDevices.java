package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.DeviceProvider;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The devices that TornadoVM finds, each as {@code opencl:N}, {@code cuda:N} or {@code ptx:N}. */
public final class TornadoVmDevices implements DeviceProvider {
  private static final String HOME = "TORNADOVM_HOME";

  /** How the names of TornadoVM's classes begin, as the JVM writes those that it does not find. */
  private static final String API = "uk/ac/manchester/tornado/";

  private record Found(Listing listing, TornadoDevice device) {}

  /** For the service loader. */
  public TornadoVmDevices() {}

  @Override
  public List<Listing> devices() {
    List<Found> found;
    try {
      found = found();
    } catch (IllegalArgumentException missing) {
      return List.of(none(String.valueOf(missing.getMessage())));
    }
    return found.isEmpty()
        ? List.of(
            none("TornadoVM found no device: install the driver of your GPU, or pocl-opencl-icd"))
        : found.stream().map(Found::listing).toList();
  }

  private static Listing none(String whyNot) {
    return new Listing("opencl:0", "GPU kernels by TornadoVM", "gpu", 0, whyNot);
  }

  @Override
  public Device open(String id, int threads) {
    return TornadoVmDevice.open(id, device(id), threads);
  }

  /**
   * TornadoVM's device of an id.
   *
   * @throws IllegalArgumentException if there is none, saying why
   */
  static TornadoDevice device(String id) {
    List<Found> found;
    try {
      found = found();
    } catch (IllegalArgumentException missing) {
      throw new IllegalArgumentException(
          "%s is not available: %s".formatted(id, missing.getMessage()), missing);
    }
    List<String> ids = found.stream().map(candidate -> candidate.listing().id()).toList();
    if (!ids.contains(id)) {
      throw new IllegalArgumentException(
          "there is no device %s; TornadoVM found %s".formatted(id, ids.isEmpty() ? "none" : ids));
    }
    return found.get(ids.indexOf(id)).device();
  }

  /**
   * All devices.
   *
   * @throws IllegalArgumentException if TornadoVM is not there or does not start, saying why
   */
  private static List<Found> found() {
    TornadoVmDevice.configure();
    return started(TornadoVmDevices::all, System.getenv(HOME));
  }

  /**
   * What TornadoVM's start gives.
   *
   * @param home what the environment says of the SDK's folder
   * @throws IllegalArgumentException if it is not there or does not start, saying why
   */
  static <T> T started(Supplier<T> start, @Nullable String home) {
    try {
      return start.get();
    } catch (RuntimeException | Error failure) { // TornadoVM's own are Errors.
      throw new IllegalArgumentException(reason(failure, home), failure);
    }
  }

  private static String reason(Throwable failure, @Nullable String home) {
    // A class that is there and could not be initialised is one of these, too, in other words.
    if (failure instanceof NoClassDefFoundError
        && String.valueOf(failure.getMessage()).startsWith(API)) {
      return home == null || home.isBlank()
          ? "%s is not set: install TornadoVM's SDK for JDK 25, and set it to the SDK's folder"
              .formatted(HOME)
          : "this JVM was started without TornadoVM's flags: ./ft sets them, or see"
              + " scripts/tornado-flags";
    }
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return "TornadoVM does not start: " + Failures.message(root);
  }

  private static List<Found> all() {
    TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
    List<Found> all = new ArrayList<>();
    for (int i = 0; i < runtime.getNumBackends(); i++) {
      TornadoBackend backend = runtime.getBackend(i);
      for (int j = 0; j < backend.getNumDevices(); j++) {
        TornadoDevice device = backend.getDevice(j);
        String id = "%s:%d".formatted(kind(backend.getName()), j);
        String name = device.getPhysicalDevice().getDeviceName() + " by TornadoVM";
        String type = device.getDeviceType().name().toLowerCase(Locale.ROOT);
        all.add(new Found(new Listing(id, name, type, device.getMaxGlobalMemory(), null), device));
      }
    }
    return all;
  }

  private static String kind(String backend) {
    String name = backend.toLowerCase(Locale.ROOT);
    for (String known : List.of("opencl", "cuda", "ptx", "spirv", "metal")) {
      if (name.contains(known)) {
        return known;
      }
    }
    return name;
  }
}
