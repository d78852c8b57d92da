package org.freetransformer.bench.suite;

import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;

/**
 * Where our side of a contest computes.
 *
 * @param device {@code cpu}, or the id of a device beyond it, such as {@code opencl:0}
 * @param threads of every side on the processor
 */
public record Place(String device, int threads) {
  /** The processor. */
  public static final String CPU = "cpu";

  /** The processor, with so many threads. */
  public static Place cpu(int threads) {
    return new Place(CPU, threads);
  }

  /**
   * Whether the processor computes, so that its libraries are peers.
   *
   * @throws IllegalArgumentException if the device is not there, saying what is missing
   */
  public boolean isProcessor() {
    return device.equals(CPU) || Devices.provided(device).kind().equals(CPU);
  }

  /**
   * An engine there.
   *
   * @throws IllegalArgumentException if the device is not there, saying what is missing
   */
  Engine engine() {
    return Engine.on(device.equals(CPU) ? Devices.cpu(threads) : Devices.open(device, threads));
  }
}
