package org.freetransformer.cli;

import java.util.Collections;
import java.util.List;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.run.RunWatcher;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.StepMetrics;
import org.jspecify.annotations.Nullable;

/** Shows how a training run goes. */
final class TrainingDisplay implements RunWatcher {
  private final Output output;
  private final String task;
  private final RunConfig config;
  private @Nullable Progress progress;

  /** Who waited for whom by the last logged step. */
  private String waits = "";

  TrainingDisplay(Output output, String task, RunConfig config) {
    this.output = output;
    this.task = task;
    this.config = config;
  }

  @Override
  public void onStep(StepMetrics step) {
    if (progress == null) {
      // The first step compiles the kernels: it would spoil the rate.
      progress = output.progress(task, step.step(), config.training().maxSteps(), "steps");
    }
    if (!step.rankWaits().isEmpty()) {
      waits = "; " + waits(step.rankWaits());
    }
    boolean planned = config.model().kind() == ModelConfig.Kind.FREE;
    progress.at(
        step.step(),
        (planned
                ? "bound %.4f = reconstruction %.4f + KL %.4f"
                    .formatted(step.nllBound(), step.reconstruction(), step.kl())
                : "cross-entropy %.4f".formatted(step.reconstruction()))
            + waits);
  }

  /** Who waited for whom: the rank that waited least is the one that the others waited for. */
  static String waits(List<Double> seconds) {
    double least = Collections.min(seconds);
    double most = Collections.max(seconds);
    return "rank %d was the slowest, rank %d waited longest, %.1f s"
        .formatted(seconds.indexOf(least), seconds.indexOf(most), most);
  }

  @Override
  public void onEvaluation(long step, Evaluation evaluation) {
    output.detail("step %d, held out: %s".formatted(step, EvaluationText.of(evaluation).strip()));
  }

  @Override
  public void onCheckpoint(Checkpoint checkpoint) {
    output.detail("saved " + checkpoint.folder());
  }

  @Override
  public void close() {
    if (progress != null) {
      progress.close();
    }
  }
}
