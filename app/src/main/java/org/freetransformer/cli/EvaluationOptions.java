package org.freetransformer.cli;

import org.freetransformer.compare.EvaluationSettings;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;
import org.freetransformer.eval.Evaluator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How much of the held-out data is evaluated, and with how many plans. */
final class EvaluationOptions {
  private static final int USUAL_SAMPLES = 8;

  @Option(
      names = "--samples",
      paramLabel = "K",
      description =
          "Plans drawn for each held-out text, for nll_iw, 1 to "
              + Evaluator.MOST_SAMPLES
              + " (default: "
              + USUAL_SAMPLES
              + ").")
  private @Nullable Integer samples;

  @Option(
      names = "--examples",
      paramLabel = "N",
      description = "At most so many held-out examples, 1 or more (default: all).")
  private int examples = Integer.MAX_VALUE;

  /** Whether a number of plans was asked for. */
  boolean givesSamples() {
    return samples != null;
  }

  /**
   * What was asked for, or else the usual.
   *
   * @throws ConfigException if it is out of range
   */
  EvaluationSettings settings() {
    int plans = samples == null ? USUAL_SAMPLES : samples;
    Limits.between("--samples", plans, 1, Evaluator.MOST_SAMPLES);
    Limits.between("--examples", examples, 1, Integer.MAX_VALUE);
    return new EvaluationSettings(examples, plans);
  }
}
