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

  /**
   * Checks that the model has a plan if plans are asked for, and has the pinned bits.
   *
   * @param saved whether a plan is to be written to a file
   * @throws ConfigException if not
   */
  void requireFitting(ModelConfig model, boolean saved) {
    boolean wanted = source != null || shared || saved || !pins.isEmpty();
    if (wanted && model.kind() == ModelConfig.Kind.BASELINE) {
      throw new ConfigException(
          "--plan",
          "this model is a baseline and has no plan; leave out --plan, --save-plan,"
              + " --shared-plan and --pin");
    }
    pins.forEach((bit, value) -> {
      Limits.between("--pin, bit", bit, 0, model.latentDim() - 1);
      Limits.between("--pin, value", value, 0, 1);
    });
  }

  /** How the generator is to draw plans. */
  PlanControl control(long seed) {
    String chosen = source == null ? ENCODE : source;
    List<Integer> replay =
        chosen.equals(PRIOR) || chosen.equals(ENCODE) ? List.of() : PlanFile.read(Path.of(chosen));
    return new PlanControl(chosen.equals(ENCODE), shared, replay, 0, 0, seed).withPinned(pins);
  }
}
