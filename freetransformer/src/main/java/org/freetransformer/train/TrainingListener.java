package org.freetransformer.train;

import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.eval.Evaluation;

/** Is told how a training run goes. */
public interface TrainingListener {
  /** A step was done. */
  default void onStep(StepMetrics metrics) {}

  /** The model was evaluated on held-out data after a step. */
  default void onEvaluation(long step, Evaluation evaluation) {}

  /** The run was saved. */
  default void onCheckpoint(Checkpoint checkpoint) {}
}
