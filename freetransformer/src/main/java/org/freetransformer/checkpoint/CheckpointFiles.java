package org.freetransformer.checkpoint;

import java.util.List;

/**
 * What a checkpoint holds beside its {@link CheckpointState}.
 *
 * @param model the weights, with the configuration in the metadata
 * @param optimizer the moments
 * @param parts whatever else of the run has a state
 */
public record CheckpointFiles(
    TensorFile model, TensorFile optimizer, List<? extends StatefulPart> parts) {
  /** Copies the list. */
  public CheckpointFiles {
    parts = List.copyOf(parts);
  }
}
