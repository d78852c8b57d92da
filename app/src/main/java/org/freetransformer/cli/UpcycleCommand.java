package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.Upcycling;
import org.freetransformer.config.Limits;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.ModelConfig.Latent.PostSampler;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.SavedModel;
import org.freetransformer.tensor.Engine;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ft checkpoint upcycle}: a Free Transformer from a baseline. */
@Command(
    name = "upcycle",
    mixinStandardHelpOptions = true,
    description =
        "Makes a Free Transformer of a baseline or a Llama; at first it computes the same. Train it"
            + " on with ft train --init.")
final class UpcycleCommand implements Callable<Integer> {
  private static final int USUAL_BITS = 16;

  @Mixin private Output output;
  @Mixin private DeviceOptions device;

  @Parameters(
      index = "0",
      paramLabel = "FROM",
      description = "A saved baseline: run, checkpoint, file or Llama folder of Hugging Face.")
  private Path from;

  @Parameters(index = "1", paramLabel = "TO", description = "NAME.safetensors to write.")
  private Path to;

  @Option(
      names = "--latent-dim",
      paramLabel = "H",
      description = "Plan bits per position, 1 to 20 (default: 16).")
  private int latentDim = USUAL_BITS;

  @Option(
      names = "--split-layer",
      paramLabel = "N",
      description =
          "Blocks before the plan enters, 1 to one less than all (default: half of them).")
  private @Nullable Integer splitLayer;

  @Option(
      names = "--post-sampler",
      paramLabel = "KIND",
      description = "How a plan becomes a vector: table or bits (default: table).")
  private PostSampler postSampler = PostSampler.TABLE;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the new parts' weights (default: 0).")
  private long seed;

  @Override
  public Integer call() throws IOException {
    OutputFiles.requireNew(to);
    if (splitLayer != null) {
      Limits.between("--split-layer", splitLayer, 1, Integer.MAX_VALUE);
    }
    ConsolidateCommand.requireSafeTensors(to);
    try (SavedModel saved = SavedModel.open(from, output::warn);
        Engine engine = device.open()) {
      OutputFiles.requireWritable(to);
      engine.random().seed(seed);
      Upcycling.Plan plan =
          new Upcycling.Plan(latentDim, splitLayer == null ? 0 : splitLayer, postSampler);
      try (FreeTransformer model = Upcycling.upcycle(engine, saved.file(), plan)) {
        Map<String, String> metadata = new HashMap<>(saved.file().metadata());
        metadata.keySet().retainAll(Set.of(ModelFile.DATA_CONFIG));
        ModelFile.of(model, metadata).write(to);
        OutputFiles.placeBeside(to, saved.tokenizer(), output::warn);
      }
    }
    output.result(Map.of("written", to.toString()), "written: " + to);
    return 0;
  }
}
