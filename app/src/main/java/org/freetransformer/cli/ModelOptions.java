package org.freetransformer.cli;

import java.nio.file.Path;
import org.freetransformer.run.RunFolder;
import org.freetransformer.run.SavedModel;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Which saved model a command uses. */
final class ModelOptions {
  /** Exactly one of the two. */
  static final class Source {
    @Option(
        names = "--run",
        paramLabel = "DIR",
        required = true,
        description = "Run folder; its newest checkpoint is used.")
    private @Nullable Path run;

    @Option(
        names = "--checkpoint",
        paramLabel = "PATH",
        required = true,
        description =
            "Checkpoint folder, safetensors file, .pt file of the seed repository, Llama folder of"
                + " Hugging Face, or run folder.")
    private @Nullable Path checkpoint;
  }

  @ArgGroup(multiplicity = "1")
  private Source source = new Source();

  @Option(
      names = "--best",
      description = "The run's checkpoint with the lowest held-out bound, not its newest.")
  private boolean best;

  /**
   * Opens it.
   *
   * @throws IllegalArgumentException if there is none, or it is damaged
   */
  SavedModel open(Output output) {
    Path named = source.run == null ? source.checkpoint : source.run;
    if (best && named != null) {
      return SavedModel.best(named, output::warn);
    }
    if (source.run != null) {
      return SavedModel.open(RunFolder.open(source.run).path(), output::warn);
    }
    if (source.checkpoint != null) {
      return SavedModel.open(source.checkpoint, output::warn);
    }
    throw new IllegalStateException("the parser lets no command without a model pass");
  }
}
