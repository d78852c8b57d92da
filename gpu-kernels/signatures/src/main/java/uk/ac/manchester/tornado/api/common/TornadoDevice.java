package uk.ac.manchester.tornado.api.common;

/** A device. */
public interface TornadoDevice {
  /** Its name. */
  String getDeviceName();

  /** Name and platform. */
  String getDescription();

  /** Bytes of memory. */
  long getMaxGlobalMemory();

  /** Most bytes of one array. */
  long getMaxAllocMemory();
}
