package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
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
            "Checkpoint folder, safetensors file, .pt file of the original repository, Llama folder"
                + " of Hugging Face, or run folder.")
    private @Nullable Path checkpoint;
  }

  @ArgGroup(multiplicity = "1")
  private Source source = new Source();

  @Option(
      names = "--best",
      description = "The run's checkpoint with the lowest held-out bound, not its newest.")
  private boolean best;

  /**
   * Makes something with a model.
   *
   * @param <T> what it makes
   */
  @FunctionalInterface
  interface Maker<T> {
    /**
     * Makes it, and leaves no trace if it fails, or as long as the weights are not known to be
     * whole.
     *
     * @param whole becomes true when every byte of the weights was looked at; false if they are
     *     damaged, and what is made will be dropped
     */
    T make(SavedModel model, Future<Boolean> whole) throws IOException;
  }

  /**
   * Opens it.
   *
   * @throws IllegalArgumentException if there is none, or it is damaged
   */
  SavedModel open(Output output) {
    return best ? SavedModel.best(path(), output::warn) : SavedModel.open(path(), output::warn);
  }

  /**
   * Makes something with the model while another thread looks at every byte of its weights. If
   * these are damaged, what was made is dropped, and made again with what {@link #open} finds, or
   * not.
   *
   * @throws IllegalArgumentException as {@link #open} does
   */
  <T> T use(Output output, Maker<T> maker) throws IOException {
    if (!best) {
      try (SavedModel model = SavedModel.openUnverified(path(), output::warn)) {
        CompletableFuture<Boolean> whole = CompletableFuture.supplyAsync(model::isWhole);
        try {
          T made = maker.make(model, whole);
          if (whole.join()) {
            return made;
          }
        } catch (IOException | RuntimeException failure) {
          if (whole.join()) {
            throw failure;
          }
        }
      }
    }
    try (SavedModel model = open(output)) {
      return maker.make(model, CompletableFuture.completedFuture(true));
    }
  }

  /** The model as the user named it. */
  String name() {
    return String.valueOf(source.run != null ? source.run : source.checkpoint);
  }

  private Path path() {
    if (source.run != null) {
      return best ? source.run : RunFolder.open(source.run).path();
    }
    if (source.checkpoint != null) {
      return source.checkpoint;
    }
    throw new IllegalStateException("the parser lets no command without a model pass");
  }
}
