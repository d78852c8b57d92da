package uk.ac.manchester.tornado.api.enums;

/** Kinds of devices. */
public enum TornadoDeviceType {
  /** Not known. */
  UNKNOWN,
  /** Whatever the driver takes first. */
  DEFAULT,
  /** A processor. */
  CPU,
  /** A graphics processor. */
  GPU,
  /** Programmable logic. */
  FPGA,
  /** Another accelerator. */
  ACCELERATOR,
  /** Another device. */
  CUSTOM,
  /** Any. */
  ALL
}
