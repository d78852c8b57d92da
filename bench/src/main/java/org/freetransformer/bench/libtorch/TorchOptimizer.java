package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;

/** Updates parameters by their gradients, one at a time. */
@FunctionalInterface
public interface TorchOptimizer {
  /**
   * Updates one parameter and its moments in place.
   *
   * @param step number of the update, from 1
   * @param gradientScale what the gradient is multiplied with first, in place, to clip it
   * @param weightDecay decay per step and unit of learning rate
   */
  void update(
      NDArray parameter,
      NDArray gradient,
      NDArray first,
      NDArray second,
      int step,
      double gradientScale,
      double learningRate,
      double weightDecay);
}
