package uk.ac.manchester.tornado.api.common;

import uk.ac.manchester.tornado.api.TornadoTargetDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;

/** A device. */
public interface TornadoDevice {
  /** What it is. */
  TornadoDeviceType getDeviceType();

  /** The device as its driver knows it. */
  TornadoTargetDevice getPhysicalDevice();

  /** Bytes of memory. */
  long getMaxGlobalMemory();

  /** Most bytes of one array. */
  long getMaxAllocMemory();
}
