package org.freetransformer.nn.optim;

/**
 * The learning rate over a run: a linear warm-up to the peak, then one of several ways down.
 *
 * @param kind the way down
 * @param peak the highest rate
 * @param minimumRatio the last rate as a share of the peak, in [0, 1]
 * @param warmupSteps steps until the peak, 0 or more
 * @param totalSteps steps of the run
 */
public record LearningRateSchedule(
    Kind kind, double peak, double minimumRatio, long warmupSteps, long totalSteps) {
  /** Ways down from the peak. */
  public enum Kind {
    /** Half a cosine (Loshchilov and Hutter, 2017). */
    COSINE,
    /** A straight line. */
    LINEAR,
    /** None: the peak until the end. */
    CONSTANT,
    /** Warm-up, stable, decay: the peak until the last fifth, then a straight line. */
    WSD
  }

  /** Share of a warm-up–stable–decay run that decays. */
  private static final double DECAY_SHARE = 0.2;

  /** The rate of an update, counted from 1. */
  public double at(long step) {
    if (step <= warmupSteps) {
      return peak * step / warmupSteps;
    }
    double progress =
        Math.min(1, (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
    double height =
        switch (kind) {
          case COSINE -> 0.5 * (1 + Math.cos(Math.PI * progress));
          case LINEAR -> 1 - progress;
          case CONSTANT -> 1;
          case WSD -> Math.min(1, (1 - progress) / DECAY_SHARE);
        };
    return peak * (minimumRatio + (1 - minimumRatio) * height);
  }
}
