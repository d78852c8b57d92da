package org.freetransformer.plots;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.run.RunFolder;
import org.freetransformer.run.RunWatcher;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.StepMetrics;

/**
 * Draws a run's pictures anew after each evaluation, and passes on what happens. What is saved
 * after the evaluation is saved first: a picture that finds no room on the disk must not cost it.
 * Where Java cannot draw, it says so once.
 */
public final class PictureRefresher implements RunWatcher {
  private final RunFolder folder;
  private final RunConfig config;
  private final RunWatcher watcher;
  private final Consumer<String> warnings;
  private boolean due;
  private boolean failed;

  /**
   * Before a run begins.
   *
   * @param watcher told of everything, and closed with this
   */
  public PictureRefresher(
      RunFolder folder, RunConfig config, RunWatcher watcher, Consumer<String> warnings) {
    this.folder = folder;
    this.config = config;
    this.watcher = watcher;
    this.warnings = warnings;
  }

  @Override
  public void onStep(StepMetrics metrics) {
    watcher.onStep(metrics);
    drawIfDue();
  }

  @Override
  public void onEvaluation(long step, Evaluation evaluation) {
    watcher.onEvaluation(step, evaluation);
    due = true;
  }

  private void drawIfDue() {
    if (due) {
      try {
        draw();
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
  }

  /** Draws what there is by now: also at the end of a run that was stopped between evaluations. */
  public void draw() throws IOException {
    due = false;
    if (!failed) {
      Drawing.attempt(
          () -> RunPictures.draw(folder, config),
          warning -> {
            failed = true;
            warnings.accept(warning);
          });
    }
  }

  @Override
  public void onSaving() {
    watcher.onSaving();
  }

  @Override
  public void onCheckpoint(Checkpoint checkpoint) {
    watcher.onCheckpoint(checkpoint);
    drawIfDue();
  }

  @Override
  public void close() {
    watcher.close();
  }
}
