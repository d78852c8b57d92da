package org.freetransformer.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.data.Dataset;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.StepMetrics;
import org.freetransformer.train.Trainer;
import org.freetransformer.train.TrainingListener;
import org.jspecify.annotations.Nullable;

/** Trains in a run folder, and keeps its metrics there. */
public final class TrainingRun {
  /** A plan that spends less of its free bits than this share is not used. */
  private static final double COLLAPSED = 0.1;

  private final Engine engine;
  private final RunConfig config;
  private final RunFolder folder;
  private final Consumer<String> warnings;

  /**
   * What came of it.
   *
   * @param steps optimizer steps done in all
   * @param finished whether these are all the configuration asks for
   * @param tokensPerSecond counted targets a second in this process, evaluation included
   * @param last the last step; null if there was none left to do
   * @param evaluation on held-out data at the end; null if stopped before
   * @param checkpoint the last one saved; null if there was no step left to do
   * @param peakBytes most off-heap memory in use at once
   */
  public record Outcome(
      long steps,
      boolean finished,
      double tokensPerSecond,
      @Nullable StepMetrics last,
      @Nullable Evaluation evaluation,
      @Nullable Checkpoint checkpoint,
      long peakBytes) {}

  /**
   * A run that has not begun.
   *
   * @param warnings told, in one line each, of trouble that does not stop the run
   */
  public TrainingRun(Engine engine, RunConfig config, RunFolder folder, Consumer<String> warnings) {
    this.engine = engine;
    this.config = config;
    this.folder = folder;
    this.warnings = warnings;
  }

  /**
   * Trains until all steps are done or a stop is asked for; the state is saved either way.
   *
   * @param resume whether to go on from the newest checkpoint, if there is one
   * @param watcher told of every step
   * @throws IOException if the folder cannot be written; checkpoints saved before are whole
   */
  public Outcome train(boolean resume, TrainingListener watcher, BooleanSupplier stop)
      throws IOException {
    Dataset dataset = Dataset.open(config.data(), warnings);
    CheckpointFolder checkpoints = new CheckpointFolder(folder.checkpoints());
    try (Trainer trainer = new Trainer(engine, config, dataset)) {
      Optional<Checkpoint> start = resume ? checkpoints.newest(warnings) : Optional.empty();
      start.ifPresent(trainer::restore);
      try (Recorder recorder = new Recorder(watcher, trainer.stepsDone())) {
        boolean finished = trainer.run(checkpoints, recorder, stop);
        return new Outcome(
            trainer.stepsDone(),
            finished,
            recorder.tokensPerSecond(),
            recorder.last,
            recorder.evaluation,
            recorder.checkpoint,
            engine.device().memory().peakBytes());
      }
    }
  }

  /** Writes what happens into the run's files, and passes it on. */
  private final class Recorder implements TrainingListener, AutoCloseable {
    private final TrainingListener watcher;
    private final MetricsFile metrics;
    private final MetricsFile evaluations;
    private final long firstStep;
    private final long began = System.nanoTime();
    private long firstTokens = -1;
    private @Nullable StepMetrics last;
    private @Nullable Evaluation evaluation;
    private @Nullable Checkpoint checkpoint;
    private boolean warned;

    Recorder(TrainingListener watcher, long stepsDone) throws IOException {
      this.watcher = watcher;
      this.firstStep = stepsDone + 1;
      metrics = MetricsFile.from(folder.metrics(), stepsDone);
      evaluations = MetricsFile.from(folder.evaluations(), stepsDone);
    }

    double seconds() {
      return (System.nanoTime() - began) * 1e-9;
    }

    double tokensPerSecond() {
      return last == null ? 0 : (last.tokens() - firstTokens) / seconds();
    }

    @Override
    public void onStep(StepMetrics step) {
      if (firstTokens < 0) {
        // The first step's own tokens are its share of a batch: all steps have as many.
        firstTokens = step.tokens() - step.tokens() / Math.max(1, step.step());
      }
      last = step;
      boolean ends = step.step() == config.training().maxSteps();
      if (step.step() % config.training().logEvery() == 0 || step.step() == firstStep || ends) {
        write(metrics, line(step));
      }
      watcher.onStep(step);
    }

    @Override
    public void onEvaluation(long step, Evaluation result) {
      evaluation = result;
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("step", step);
      line.putAll(Reports.of(result));
      write(evaluations, line);
      warnOfCollapse(step, result);
      watcher.onEvaluation(step, result);
    }

    @Override
    public void onCheckpoint(Checkpoint saved) {
      checkpoint = saved;
      watcher.onCheckpoint(saved);
    }

    private void warnOfCollapse(long step, Evaluation result) {
      double free = config.training().kappaFreeBits();
      boolean planned = config.model().kind() == ModelConfig.Kind.FREE;
      if (planned && !warned && result.kl() < COLLAPSED * free) {
        warned = true;
        warnings.accept(
            "step %d: the plan is hardly used (KL %.4f of %.4f free nats): posterior collapse; more steps, training.kl_warmup_steps or another training.seed may help"
                .formatted(step, result.kl(), free));
      }
    }

    private Map<String, Object> line(StepMetrics step) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("step", step.step());
      line.put("tokens", step.tokens());
      line.put("loss", step.loss());
      line.put("reconstruction", step.reconstruction());
      line.put("kl", step.kl());
      line.put("kl_per_bit", Arrays.stream(step.klPerBit()).boxed().toList());
      line.put("lr", step.learningRate());
      line.put("grad_norm", step.gradientNorm());
      line.put("tokens_per_second", tokensPerSecond());
      line.put("time", seconds());
      return line;
    }

    private static void write(MetricsFile file, Map<String, Object> line) {
      try {
        file.add(line);
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }

    @Override
    public void close() throws IOException {
      metrics.close();
      evaluations.close();
    }
  }
}
