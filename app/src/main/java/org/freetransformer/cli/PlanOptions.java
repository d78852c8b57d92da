package org.freetransformer.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;
import org.freetransformer.generate.PlanControl;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.run.PlanFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which plans text is written to. */
final class PlanOptions {
  private static final String PRIOR = "prior";
  private static final String ENCODE = "encode";

  @Option(
      names = "--plan",
      paramLabel = "prior|encode|FILE",
      description = {
        "encode: the encoder infers the prompt's plan, the rest is drawn (default);",
        "prior: all of it is drawn; FILE: replays a plan saved by --save-plan or --json."
      })
  private @Nullable String source;

  @Option(
      names = "--shared-plan",
      description = "All samples are written to one plan, of the prompt and what follows it.")
  private boolean shared;

  @Option(
      names = "--pin",
      paramLabel = "BIT=0|1",
      description =
          "Fixes a plan bit, 0 to H - 1, at every position whose plan is drawn. May be repeated.")
  private Map<Integer, Integer> pins = new LinkedHashMap<>();

  @Option(
      names = "--plan-seed",
      paramLabel = "N",
      description =
          "Seed of the plans alone: plans can change while the tokens' seed stays, or the reverse"
              + " (default: --seed).")
  private @Nullable Long seed;

  @Option(
      names = "--replay-until",
      paramLabel = "N",
      description =
          "Of the plan in FILE only the first N positions are replayed, 0 to all; those from N on,"
              + " where the prompt's first is 0, are drawn anew.")
  private @Nullable Integer replayUntil;

  /**
   * Checks that the model has a plan if plans are asked for, and has the pinned bits.
   *
   * @param saved whether a plan is to be written to a file
   * @throws ConfigException if not
   */
  void requireFitting(ModelConfig model, boolean saved) {
    boolean wanted =
        source != null || shared || saved || seed != null || replayUntil != null || !pins.isEmpty();
    if (wanted && model.kind() == ModelConfig.Kind.BASELINE) {
      throw new ConfigException(
          "--plan",
          "this model is a baseline and has no plan; leave out --plan, --plan-seed,"
              + " --replay-until, --save-plan, --shared-plan and --pin");
    }
    pins.forEach((bit, value) -> {
      Limits.between("--pin, bit", bit, 0, model.latentDim() - 1);
      Limits.between("--pin, value", value, 0, 1);
    });
  }

  /**
   * How the generator is to draw plans.
   *
   * @param usualSeed of the plans where they have none of their own
   * @throws ConfigException if the plan's file cannot be used
   */
  PlanControl control(long usualSeed) {
    String chosen = source == null ? ENCODE : source;
    return new PlanControl(
            chosen.equals(ENCODE), shared, replay(chosen), 0, 0, seed == null ? usualSeed : seed)
        .withPinned(pins);
  }

  private List<Integer> replay(String chosen) {
    if (chosen.equals(PRIOR) || chosen.equals(ENCODE)) {
      if (replayUntil != null) {
        throw new ConfigException(
            "--replay-until", "needs a plan to replay: --plan FILE, as --save-plan writes it");
      }
      return List.of();
    }
    List<Integer> plan = PlanFile.read(Path.of(chosen));
    if (replayUntil == null) {
      return plan;
    }
    Limits.between("--replay-until", replayUntil, 0, plan.size());
    return plan.subList(0, replayUntil);
  }
}
