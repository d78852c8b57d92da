package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;

/** AdamW as {@code torch.optim} computes it, in place, from tensor operations. */
public final class TorchAdamW {
  private final double beta1;
  private final double beta2;
  private final double epsilon;

  /** An optimizer's constants. */
  public TorchAdamW(double beta1, double beta2, double epsilon) {
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
  }

  /**
   * Updates one parameter and its moments.
   *
   * @param step number of the update, from 1
   * @param weightDecay decay per step and unit of learning rate
   */
  public void update(
      NDArray parameter,
      NDArray gradient,
      NDArray first,
      NDArray second,
      int step,
      double learningRate,
      double weightDecay) {
    if (weightDecay != 0) {
      parameter.muli(1 - learningRate * weightDecay);
    }
    first.muli(beta1).addi(gradient.mul(1 - beta1));
    second.muli(beta2).addi(gradient.square().muli(1 - beta2));
    double rootOfCorrection = Math.sqrt(1 - Math.pow(beta2, step));
    NDArray denominator = second.sqrt().divi(rootOfCorrection).addi(epsilon);
    double rate = learningRate / (1 - Math.pow(beta1, step));
    parameter.subi(first.mul(rate).divi(denominator));
  }
}
