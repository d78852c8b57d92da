package org.freetransformer.nn.optim;

/**
 * The learning rate over a run: a linear warm-up to the peak, then one of several ways down.
 *
 * @param kind the way down
 * @param peak the highest rate, above 0
 * @param minimumRatio the last rate as a share of the peak, in [0, 1]
 * @param warmupSteps steps until the peak, 0 or more
 * @param totalSteps steps of the run, at least 1; from then on the rate stays
 * @param decayShare share of the steps after the warm-up in which {@link Kind#WSD} decays, in (0,
 *     1]
 */
public record LearningRateSchedule(
    Kind kind,
    double peak,
    double minimumRatio,
    long warmupSteps,
    long totalSteps,
    double decayShare) {
  /** Ways down from the peak. */
  public enum Kind {
    /** Half a cosine (Loshchilov and Hutter, 2017). */
    COSINE,
    /** A straight line. */
    LINEAR,
    /** None: the peak until the end. */
    CONSTANT,
    /** Warm-up, stable, decay (Hu et al., 2024): the peak, and at the end a straight line down. */
    WSD
  }

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming what is out of range
   */
  public LearningRateSchedule {
    require(peak > 0 && peak < Double.POSITIVE_INFINITY, "peak", peak, "above 0");
    require(minimumRatio >= 0 && minimumRatio <= 1, "minimumRatio", minimumRatio, "0 to 1");
    require(warmupSteps >= 0, "warmupSteps", warmupSteps, "0 or more");
    require(totalSteps >= 1, "totalSteps", totalSteps, "1 or more");
    require(decayShare > 0 && decayShare <= 1, "decayShare", decayShare, "above 0 up to 1");
  }

  private static void require(boolean valid, String name, Number value, String allowed) {
    if (!valid) {
      throw new IllegalArgumentException("%s %s: allowed are %s".formatted(name, value, allowed));
    }
  }

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
          case WSD -> Math.min(1, (1 - progress) / decayShare);
        };
    return peak * (minimumRatio + (1 - minimumRatio) * height);
  }
}
