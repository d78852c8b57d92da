package org.freetransformer.nn.optim;

/**
 * Dynamic loss scaling (Micikevicius et al., "Mixed Precision Training", 2018). The loss is
 * multiplied by a large number, so that small gradients of 16-bit activations do not round to 0,
 * and the weights' gradients are divided by it again in f32. A step whose gradients overflowed is
 * skipped, and the scale goes down; after many good ones it goes up.
 */
public final class LossScaler {
  /** Above this, nothing is left to gain. */
  public static final double LARGEST = 0x1p24;

  /** A loss is never made smaller than it is. */
  public static final double SMALLEST = 1;

  /**
   * How the scale moves.
   *
   * @param initial scale of the first step, a power of two, so that scaling rounds nothing
   * @param growthInterval good steps in a row after which it doubles, at least 1
   */
  public record Config(double initial, int growthInterval) {
    /** PyTorch's. */
    public static final Config DEFAULT = new Config(0x1p16, 2000);

    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException naming what is out of range
     */
    public Config {
      boolean powerOfTwo = Math.scalb(1.0, Math.getExponent(initial)) == initial;
      if (!(initial >= SMALLEST && initial <= LARGEST && powerOfTwo)) {
        throw new IllegalArgumentException(
            "loss scale %s: allowed are powers of two from %.0f to %.0f"
                .formatted(initial, SMALLEST, LARGEST));
      }
      if (growthInterval < 1) {
        throw new IllegalArgumentException(
            "growth interval %d: allowed are 1 and more".formatted(growthInterval));
      }
    }
  }

  /**
   * Where a scaler stands: all it needs to go on.
   *
   * @param scale the next step's
   * @param goodSteps steps in a row that did not overflow, since the scale last changed
   * @param skippedSteps steps of the run that did
   */
  public record State(double scale, long goodSteps, long skippedSteps) {
    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException naming what is out of range
     */
    public State {
      if (!(scale >= SMALLEST && scale <= LARGEST) || goodSteps < 0 || skippedSteps < 0) {
        throw new IllegalArgumentException(
            "loss scale %s, %d good and %d skipped steps: a scale is from %.0f to %.0f, counts are not negative"
                .formatted(scale, goodSteps, skippedSteps, SMALLEST, LARGEST));
      }
    }
  }

  private final int growthInterval;
  private State state;

  /** A scaler before its first step. */
  public LossScaler(Config config) {
    growthInterval = config.growthInterval();
    state = new State(config.initial(), 0, 0);
  }

  /** Where it stands. */
  public State state() {
    return state;
  }

  /** Goes back to where a run was saved. */
  public void restore(State saved) {
    state = saved;
  }

  /**
   * Takes note of a step.
   *
   * @param finite whether all its gradients are
   * @return whether the scale lets the weights be updated; false says to drop the gradients. At the
   *     smallest scale nothing is dropped, for there it is not the scale that is wrong: what is not
   *     finite then ends the run, and leaves no trace here.
   */
  public boolean accept(boolean finite) {
    if (!finite && state.scale() == SMALLEST) {
      return true;
    }
    if (finite) {
      long good = state.goodSteps() + 1;
      boolean grows = good >= growthInterval;
      double scale = grows ? Math.min(LARGEST, 2 * state.scale()) : state.scale();
      state = new State(scale, grows ? 0 : good, state.skippedSteps());
      return true;
    }
    state = new State(Math.max(SMALLEST, state.scale() / 2), 0, state.skippedSteps() + 1);
    return false;
  }
}
