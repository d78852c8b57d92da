package org.freetransformer.checkpoint;

import java.util.List;
import java.util.Map;

/**
 * A part of a training run with a state of its own beside weights and moments, such as a loss
 * scaler or averaged weights. Its state goes into every checkpoint and comes back on resume, so
 * that the resumed run gives the same bits.
 */
public interface StatefulPart {

  /** Names it in a checkpoint: lower-case letters, digits and underscores, unique in the run. */
  String name();

  /** Its numbers by key: integers, finite doubles, booleans, texts, and lists of them. */
  Map<String, Object> numbers();

  /** Its tensors, under names that are unique in the part. */
  List<TensorSource> tensors();

  /**
   * Takes a saved state.
   *
   * @throws CheckpointException if it does not fit
   */
  void restore(PartState saved);
}
