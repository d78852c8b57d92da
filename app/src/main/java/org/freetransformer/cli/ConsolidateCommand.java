package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.freetransformer.checkpoint.Conversion;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Origin;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.SavedModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ft checkpoint consolidate}: a saved model as one file that needs nothing beside it. */
@Command(
    name = "consolidate",
    mixinStandardHelpOptions = true,
    description =
        "Writes the weights and the configuration of a checkpoint, however many ranks wrote it, or"
            + " of a model in several files, into one safetensors file, tensor by tensor.")
final class ConsolidateCommand implements Callable<Integer> {
  @Mixin private Output output;

  @Parameters(
      index = "0",
      paramLabel = "FROM",
      description =
          "Run folder (its newest whole checkpoint), checkpoint folder, or Llama folder of Hugging"
              + " Face.")
  private Path from;

  @Parameters(index = "1", paramLabel = "TO", description = "NAME.safetensors to write.")
  private Path to;

  @Option(
      names = "--best",
      description = "Of a run, the checkpoint with the lowest held-out bound.")
  private boolean best;

  @Override
  public Integer call() throws IOException {
    OutputFiles.requireNew(to);
    requireSafeTensors(to);
    try (SavedModel saved =
        best ? SavedModel.best(from, output::warn) : SavedModel.open(from, output::warn)) {
      saved.config(); // One that has none cannot be used by itself.
      OutputFiles.requireWritable(to);
      Conversion.toSafeTensors(saved.file(), to, null);
      OutputFiles.placeBeside(to, saved.tokenizer(), output::warn);
      output.result(
          Map.of("written", to.toString(), "from", saved.path().toString()),
          "written: %s, from %s".formatted(to, saved.path()));
    }
    return 0;
  }

  /**
   * Demands a name of this project's format.
   *
   * @throws ConfigException if it has another ending
   */
  static void requireSafeTensors(Path file) {
    if (!ConvertCommand.isSafeTensors(file)) {
      throw new ConfigException("", "the name must end with .safetensors")
          .at(Origin.of(file.toString()), "");
    }
  }
}
