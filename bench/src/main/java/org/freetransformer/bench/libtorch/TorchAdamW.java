package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;

/**
 * AdamW, in place, from operations that DJL has methods for: 32 passes over arrays of a parameter's
 * size, where {@code torch.optim} without its fused kernel makes some 20.
 *
 * @see TorchFusedAdamW
 */
public final class TorchAdamW implements TorchOptimizer {
  private final double beta1;
  private final double beta2;
  private final double epsilon;

  /** An optimizer's constants. */
  public TorchAdamW(double beta1, double beta2, double epsilon) {
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
  }

  @Override
  public void update(
      NDArray parameter,
      NDArray gradient,
      NDArray first,
      NDArray second,
      int step,
      double gradientScale,
      double learningRate,
      double weightDecay) {
    Freeing.all(() ->
        compute(
            parameter,
            gradient.muli(gradientScale),
            first,
            second,
            step,
            learningRate,
            weightDecay));
  }

  private void compute(
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
