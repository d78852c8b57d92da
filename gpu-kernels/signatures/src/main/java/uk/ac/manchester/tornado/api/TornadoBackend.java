package uk.ac.manchester.tornado.api;

import uk.ac.manchester.tornado.api.common.TornadoDevice;

/** A way to devices: OpenCL, CUDA. */
public interface TornadoBackend {
  /** Number of devices. */
  int getNumDevices();

  /** A device. */
  TornadoDevice getDevice(int index);

  /** Its name. */
  String getName();
}
