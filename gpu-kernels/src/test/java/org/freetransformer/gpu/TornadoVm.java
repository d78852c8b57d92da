package org.freetransformer.gpu;

import java.util.List;
import java.util.Optional;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.DeviceProvider.Listing;
import org.freetransformer.tensor.device.Instruction.MatMul;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/**
 * The device that these tests run on: that of the system property {@code ft.test.device}, or else
 * the SDK's first one, or the kernels' Java bodies.
 */
public final class TornadoVm {
  /** System property: a device's id. */
  private static final String PROPERTY = "ft.test.device";

  private static final long MEMORY = 32L << 20;
  private static final CuBlas IN_PIECES = new CuBlas("", 0, 1 << 14);
  private static final CuBlas NOT = CuBlas.not("in this test");

  private TornadoVm() {}

  /** Whether a real device computes, not Java. */
  public static boolean isReal() {
    return !ids().isEmpty();
  }

  /**
   * The device that was named, or all that there are; none if Java computes.
   *
   * @throws IllegalArgumentException if one was named that is not there
   */
  private static List<String> ids() {
    String named = System.getProperty(PROPERTY);
    List<Listing> listings = new TornadoVmDevices().devices();
    List<String> ids =
        listings.stream().filter(one -> one.whyNot() == null).map(Listing::id).toList();
    if (named == null) {
      return ids;
    }
    if (!ids.contains(named)) {
      throw new IllegalArgumentException(
          "-D%s=%s: there is no such device, but %s".formatted(PROPERTY, named, listings));
    }
    return List.of(named);
  }

  /** Opens it, and says which it is. */
  public static TornadoVmDevice open() {
    return open(MEMORY);
  }

  /**
   * Opens one with products of 16-bit numbers on tensor cores, in pieces of two tiles: the first
   * device of the CUDA backend, or the kernels' Java bodies; none if there is another device only.
   */
  public static Optional<Device> openTensorCores() {
    TensorCores all = new TensorCores(TensorCores.all("").whyNot(), 2);
    if (!isReal()) {
      return Optional.of(new TornadoVmDevice("java", null, 1, MEMORY, all, NOT));
    }
    return cuda().map(id -> open(id, all, NOT));
  }

  /**
   * Opens one with all products by cuBLAS, in pieces of a few thousand numbers: the first device of
   * the CUDA backend, or the library's meaning in Java; none if there is another device only.
   */
  public static Optional<Device> openCuBlas() {
    TensorCores none = TensorCores.all("in this test");
    if (!isReal()) {
      return Optional.of(new TornadoVmDevice("java", null, 1, MEMORY, none, IN_PIECES));
    }
    return cuda().map(id -> open(id, none, IN_PIECES));
  }

  private static Device open(String id, TensorCores tensorCores, CuBlas cuBlas) {
    TornadoDevice device = TornadoVmDevices.device(id);
    return new TornadoVmDevice(id, device, 1, MEMORY, tensorCores, cuBlas);
  }

  private static Optional<String> cuda() {
    return ids().stream().filter(id -> id.startsWith("cuda:")).findFirst();
  }

  /** Whether that device computes a product on tensor cores. */
  public static boolean takesTensorCores(MatMul op) {
    return TensorCores.all("").takes(op);
  }

  /** Whether that device computes a product by cuBLAS. */
  public static boolean takesCuBlas(MatMul op) {
    return IN_PIECES.takes(op, IN_PIECES.mostWords());
  }

  /** Opens it with so many bytes for f32, at most those of {@link #open()}. */
  static synchronized TornadoVmDevice open(long memory) {
    System.setProperty(TornadoVmDevice.MEMORY_PROPERTY, Long.toString(MEMORY));
    List<String> ids = ids(); // Now TornadoVM has its limit, for all that come.
    System.setProperty(TornadoVmDevice.MEMORY_PROPERTY, Long.toString(memory));
    if (!ids.isEmpty()) {
      TornadoVmDevice device = (TornadoVmDevice) new TornadoVmDevices().open(ids.getFirst(), 1);
      System.out.println("GPU kernels run as " + device.description());
      return device;
    }
    System.out.println(
        "GPU kernels run as Java, one work group after the other: no device of TornadoVM");
    return TornadoVmDevice.open("java", null, 1);
  }
}
