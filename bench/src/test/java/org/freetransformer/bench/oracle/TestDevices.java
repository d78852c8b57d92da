package org.freetransformer.bench.oracle;

import java.util.List;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;

/** The devices that are held against libtorch. */
final class TestDevices {
  private TestDevices() {}

  static List<Device> all() {
    return List.of(Devices.scalar(), Devices.cpu(2));
  }
}
