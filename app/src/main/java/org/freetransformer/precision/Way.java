package org.freetransformer.precision;

import java.util.List;
import java.util.Locale;
import org.freetransformer.tensor.Precision;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.SampleConfig;
import org.freetransformer.train.TrainingConfig;

/**
 * A way to train a model.
 *
 * @param precision which numbers are of 16 bits
 * @param recomputes whether activations are computed again in the backward pass
 * @param seedShift added to the seed: another seed is what differences are measured by
 */
public record Way(Precision precision, boolean recomputes, int seedShift) {
  /** Steps of a run whose losses are those of another: enough to see that, and its memory. */
  private static final int SHORT_RUN = 50;

  /** A way with the configuration's own seed. */
  Way(Precision precision, boolean recomputes) {
    this(precision, recomputes, 0);
  }

  /** All of them, those with a loss curve of their own first. */
  public static List<Way> all() {
    return List.of(
        new Way(Precision.FP32, false),
        new Way(Precision.BF16, false),
        new Way(Precision.FP16, false),
        new Way(Precision.FP32, false, 1),
        new Way(Precision.FP32, true),
        new Way(Precision.BF16, true),
        new Way(Precision.FP16, true));
  }

  /** Its name for readers. */
  public String label() {
    return precisionName()
        + (recomputes ? ", recomputed" : "")
        + (seedShift == 0 ? "" : ", another seed");
  }

  String folder() {
    return precisionName()
        + (recomputes ? "-checkpointed" : "")
        + (seedShift == 0 ? "" : "-another-seed");
  }

  private String precisionName() {
    return precision.name().toLowerCase(Locale.ROOT);
  }

  /** The way that keeps activations, in the same precision. */
  Way keeping() {
    return new Way(precision, false);
  }

  /** How many of a run's steps this way does: all, or the first ones. */
  int steps(RunConfig base) {
    int all = base.training().maxSteps();
    return recomputes ? Math.min(SHORT_RUN, all) : all;
  }

  /** A configuration trained this way; nothing is written, for memory and speed are measured. */
  RunConfig config(RunConfig base) {
    TrainingConfig training = base.training();
    return new RunConfig(
        base.model(),
        training.toBuilder()
            .precision(precision)
            .activationCheckpointing(recomputes)
            .seed(training.seed() + seedShift)
            .samples(SampleConfig.NONE)
            .build(),
        base.data());
  }
}
