package org.freetransformer.gpu;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.DeviceProvider.Listing;
import org.freetransformer.tensor.device.Instruction.MatMul;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The device that these tests run on: the SDK's first one, or the kernels' Java bodies. */
public final class TornadoVm {
  private static final long MEMORY = 32L << 20;
  private static final CuBlas IN_PIECES = new CuBlas("", 0, 1 << 14);
  private static final CuBlas NOT = CuBlas.not("in this test");

  private TornadoVm() {}

  /** Whether a real device computes, not Java. */
  public static boolean isReal() {
    return new TornadoVmDevices().devices().getFirst().whyNot() == null;
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
    return cuda().map(device -> new TornadoVmDevice("cuda:0", device, 1, MEMORY, all, NOT));
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
    return cuda().map(device -> new TornadoVmDevice("cuda:0", device, 1, MEMORY, none, IN_PIECES));
  }

  private static Optional<TornadoDevice> cuda() {
    TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
    return IntStream.range(0, runtime.getNumBackends())
        .mapToObj(runtime::getBackend)
        .filter(backend -> backend.getName().toLowerCase(Locale.ROOT).contains("cuda"))
        .findFirst()
        .map(backend -> backend.getDevice(0));
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
    TornadoVmDevices devices = new TornadoVmDevices();
    Listing first = devices.devices().getFirst(); // Now TornadoVM has its limit, for all that come.
    System.setProperty(TornadoVmDevice.MEMORY_PROPERTY, Long.toString(memory));
    if (first.whyNot() == null) {
      System.out.printf("GPU kernels run on %s, %s%n", first.id(), first.name());
      return (TornadoVmDevice) devices.open(first.id(), 1);
    }
    System.out.println(
        "GPU kernels run as Java, one work group after the other: no device of TornadoVM");
    return TornadoVmDevice.open("java", null, 1);
  }
}
