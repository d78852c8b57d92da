package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/**
 * AdamW by the kernel of {@code torch.optim.AdamW(fused=True)}, in place, in one pass over the
 * parameter.
 */
public final class TorchFusedAdamW implements TorchOptimizer {
  private final TorchScript kernel;

  /** An optimizer's constants. */
  public TorchFusedAdamW(double beta1, double beta2, double epsilon) {
    String constants = "beta1=%s, beta2=%s, eps=%s".formatted(beta1, beta2, epsilon);
    kernel =
        new TorchScript(
            "x: Tensor, gradient: Tensor, first: Tensor, second: Tensor, step: Tensor,"
                + " scale: Tensor, rate: Tensor, decay: Tensor",
            "xs = [x]",
            "maxima = annotate(List[Tensor], [])",
            "torch._fused_adamw_(xs, [gradient], [first], [second], maxima, [step],"
                + " lr=float(rate), weight_decay=float(decay), amsgrad=False, maximize=False, "
                + constants
                + ", grad_scale=scale)",
            "return xs[0]"); // Of x alone, the call would be left out as one without a use.
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
    NDManager manager = parameter.getManager();
    Freeing.all(() ->
        kernel.call(
            parameter,
            gradient,
            first,
            second,
            manager.create((float) step),
            manager.create((float) (1 / gradientScale)), // The kernel divides.
            manager.create(learningRate),
            manager.create(weightDecay)));
  }
}
