package org.freetransformer.train;

import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.eval.Evaluation;

/** Is told how a training run goes. */
public interface TrainingListener {
  /** A step was done. */
  default void onStep(StepMetrics metrics) {}

  /** The model was evaluated on held-out data after a step. */
  default void onEvaluation(long step, Evaluation evaluation) {}

  /**
   * The run is about to be saved. What is kept of the steps so far belongs on the disk now: the
   * resumed run will not do them again.
   */
  default void onSaving() {}

  /** The run was saved. */
  default void onCheckpoint(Checkpoint checkpoint) {}
}
