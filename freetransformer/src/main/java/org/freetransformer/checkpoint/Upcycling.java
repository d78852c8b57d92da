package org.freetransformer.checkpoint;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;

/**
 * Makes a Free Transformer of a baseline: its blocks become the two halves of the decoder, and the
 * encoder and the plan's parts are new. As the post-sampler starts at zero, the plan changes
 * nothing at first: the logits are the baseline's, whatever the plan.
 */
public final class Upcycling {

  private static final Pattern HALF = Pattern.compile("(first|second)_half_blocks\\.(\\d+)\\.(.+)");

  private Upcycling() {}

  /**
   * The Free Transformer, its new parts drawn from the engine's random stream.
   *
   * @param plan says how the plan is built: its bits, split, mapper and encoder; the rest of the
   *     shape is the baseline's
   * @throws CheckpointException if the saved model has a plan already, or does not fit its own
   *     configuration
   * @throws org.freetransformer.config.ConfigException if the split lies outside the baseline
   */
  public static FreeTransformer upcycle(Engine engine, TensorStore baseline, Plan plan) {
    ModelConfig from = ModelFile.config(baseline);
    if (from.kind() != ModelConfig.Kind.BASELINE) {
      throw new CheckpointException(
          baseline.source(), "is a Free Transformer already; allowed are baselines");
    }
    ModelFile.requirePlausible(baseline, from);
    ModelConfig config =
        from.toBuilder()
            .kind(ModelConfig.Kind.FREE)
            .splitLayer(plan.splitLayer() == 0 ? from.numLayers() / 2 : plan.splitLayer())
            .latentDim(plan.latentDim())
            .latent(new ModelConfig.Latent(ModelConfig.Latent.Gradient.FULL, true, plan.mapper()))
            .encoderRope(true)
            .encoderNumKvHeads(from.numKvHeads())
            .build();
    LanguageModel model = LanguageModel.create(engine, config);
    try {
      fill(model, baseline);
      return (FreeTransformer) model;
    } catch (RuntimeException | Error failure) {
      model.close();
      throw failure;
    }
  }

  /**
   * How the plan is built.
   *
   * @param latentDim H, plan bits per position, 1 to 20
   * @param splitLayer blocks before the plan enters; 0 for half of them
   * @param mapper how a plan becomes a vector
   */
  public record Plan(int latentDim, int splitLayer, ModelConfig.Latent.PostSampler mapper) {}

  /** Copies every tensor of the baseline to where it belongs; what is new keeps its values. */
  private static void fill(LanguageModel model, TensorStore baseline) {
    int split = model.config().splitLayer();
    model
        .parameters()
        .forEach((name, parameter) -> {
          if (!isNew(name)) {
            Tensor stored = parameter.stored(parameter.value());
            ModelFile.copy(baseline, nameBefore(name, split), stored);
          }
        });
  }

  private static boolean isNew(String name) {
    return name.startsWith("encoder.") || name.startsWith("latent_plan.");
  }

  /** The baseline's name of a tensor: its blocks are numbered in one go. */
  private static String nameBefore(String name, int split) {
    Matcher half = HALF.matcher(name);
    if (!half.matches()) {
      return name;
    }
    int block = Integer.parseInt(half.group(2));
    return "blocks.%d.%s"
        .formatted(half.group(1).equals("first") ? block : split + block, half.group(3));
  }
}
