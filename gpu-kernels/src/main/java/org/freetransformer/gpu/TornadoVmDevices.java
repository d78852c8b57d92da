package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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

  private record Found(Listing listing, TornadoDevice device) {}

  /** For the service loader. */
  public TornadoVmDevices() {}

  @Override
  public List<Listing> devices() {
    String missing = missing();
    if (missing != null) {
      return List.of(new Listing("opencl:0", "GPU kernels by TornadoVM", "gpu", 0, missing));
    }
    List<Found> found = found();
    return found.isEmpty()
        ? List.of(
            new Listing(
                "opencl:0",
                "GPU kernels by TornadoVM",
                "gpu",
                0,
                "TornadoVM found no device: install the driver of your GPU, or pocl-opencl-icd"))
        : found.stream().map(Found::listing).toList();
  }

  @Override
  public Device open(String id, int threads) {
    String missing = missing();
    if (missing != null) {
      throw new IllegalArgumentException("%s is not available: %s".formatted(id, missing));
    }
    for (Found candidate : found()) {
      if (candidate.listing().id().equals(id)) {
        return TornadoVmDevice.open(id, candidate.device(), threads);
      }
    }
    List<String> ids = found().stream().map(candidate -> candidate.listing().id()).toList();
    throw new IllegalArgumentException(
        "there is no device %s; TornadoVM found %s".formatted(id, ids.isEmpty() ? "none" : ids));
  }

  /** What is missing of TornadoVM in this JVM, or null. */
  private static @Nullable String missing() {
    try {
      TornadoVmDevice.memorySize();
    } catch (IllegalArgumentException wrong) {
      return wrong.getMessage();
    }
    try {
      TornadoVmDevice.configure();
      TornadoRuntimeProvider.getTornadoRuntime();
      return null;
    } catch (LinkageError absent) {
      String home = System.getenv(HOME);
      return home == null || home.isBlank()
          ? "%s is not set: install TornadoVM's SDK for JDK 25, and set it to the SDK's folder"
              .formatted(HOME)
          : "this JVM was started without TornadoVM's flags: ./ft sets them, or see"
              + " scripts/tornado-flags";
    } catch (RuntimeException broken) {
      return "TornadoVM does not start: " + broken.getMessage();
    }
  }

  private static List<Found> found() {
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
