package org.freetransformer.train;

/**
 * A step gave a loss or a gradient that is not finite, and training cannot go on. Checkpoints saved
 * before are as they were.
 */
public final class NonFiniteException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  /**
   * The failure of a step.
   *
   * @param cause the first tensor that was not finite, and where in the step it arose
   */
  NonFiniteException(long step, double loss, double gradientNorm, String cause) {
    super(
        "step %d: %s is not finite (loss %s, gradient norm %s); first to go wrong: %s. The last checkpoint is as it was; a lower training.learning_rate or training.grad_clip may help"
            .formatted(
                step,
                Double.isFinite(loss) ? "the gradient" : "the loss",
                loss,
                gradientNorm,
                cause));
  }
}
