package org.freetransformer.checkpoint;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a checkpoint holds beside its {@link CheckpointState}.
 *
 * @param model the weights, with the configuration in the metadata
 * @param optimizer the moments
 * @param parts whatever else of the run has a state
 * @param tokenizer content of the {@code tokenizer.json} that turns text into the model's tokens;
 *     null where they need none
 */
public record CheckpointFiles(
    TensorFile model,
    TensorFile optimizer,
    List<? extends StatefulPart> parts,
    @Nullable String tokenizer) {
  /** The files of a model whose tokens need no file. */
  public CheckpointFiles(
      TensorFile model, TensorFile optimizer, List<? extends StatefulPart> parts) {
    this(model, optimizer, parts, null);
  }

  /** Copies the list. */
  public CheckpointFiles {
    parts = List.copyOf(parts);
  }
}
