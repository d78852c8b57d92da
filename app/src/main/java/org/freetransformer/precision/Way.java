package org.freetransformer.precision;

import java.util.List;
import java.util.Locale;
import org.freetransformer.tensor.Precision;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.TrainingConfig;

/**
 * A way to train a model.
 *
 * @param precision which numbers are of 16 bits
 * @param recomputes whether activations are computed again in the backward pass
 */
public record Way(Precision precision, boolean recomputes) {
  /** Steps of a run whose losses are those of another: enough to see that, and its memory. */
  private static final int SHORT_RUN = 50;

  /** All of them, those with a loss curve of their own first. */
  public static List<Way> all() {
    return List.of(
        new Way(Precision.FP32, false),
        new Way(Precision.BF16, false),
        new Way(Precision.FP16, false),
        new Way(Precision.FP32, true),
        new Way(Precision.BF16, true),
        new Way(Precision.FP16, true));
  }

  /** Its name for readers. */
  public String label() {
    return precisionName() + (recomputes ? ", recomputed" : "");
  }

  String folder() {
    return precisionName() + (recomputes ? "-checkpointed" : "");
  }

  private String precisionName() {
    return precision.name().toLowerCase(Locale.ROOT);
  }

  /** The way that keeps activations, in the same precision. */
  Way keeping() {
    return new Way(precision, false);
  }

  /** A configuration trained this way. */
  RunConfig config(RunConfig base) {
    TrainingConfig training = base.training();
    return new RunConfig(
        base.model(),
        training.toBuilder()
            .precision(precision)
            .activationCheckpointing(recomputes)
            .maxSteps(recomputes ? Math.min(SHORT_RUN, training.maxSteps()) : training.maxSteps())
            .build(),
        base.data());
  }
}
