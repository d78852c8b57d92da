package org.freetransformer.tensor.device;

/**
 * Kernels that do nothing but what bounds every other: a benchmark says how near it comes to them.
 * Their memory is freed with the device.
 */
public interface Ceiling {
  /**
   * Multiply-adds on registers.
   *
   * @param flops about how many floating-point operations a run does, two for each multiply-add
   */
  Kernel arithmetic(double flops);

  /**
   * A copy from one place in the device's memory to another.
   *
   * @param bytes about how many a run moves, half of them read and half of them written
   */
  Kernel copy(long bytes);
}
