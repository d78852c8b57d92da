package org.freetransformer.run;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.nn.Resources;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.StepMetrics;
import org.freetransformer.train.Trainer;
import org.freetransformer.train.TrainingListener;
import org.jspecify.annotations.Nullable;

/** Trains in a run folder, and keeps its metrics there. */
public final class TrainingRun implements AutoCloseable {
  private final Engine engine;
  private final @Nullable Engine host;
  private final RunConfig config;
  private final Consumer<String> warnings;
  private final Ranks ranks;
  private final Trainer trainer;
  private final @Nullable SampleFiles samples;
  private final Resources resources;
  private @Nullable Checkpoint resumedFrom;

  /**
   * What came of it.
   *
   * @param steps optimizer steps done in all
   * @param finished whether these are all the configuration asks for
   * @param tokensPerSecond counted targets a second in this process, evaluation included, but not
   *     what the model wrote as samples
   * @param last the last step; null if there was none left to do
   * @param evaluation on held-out data at the end; null if stopped before
   * @param checkpoint the last one saved, by this process or before; null if there is none
   * @param peakBytes most off-heap memory in use at once, by this rank on its device
   * @param hostPeakBytes the same of a host that keeps what is offloaded; 0 if nothing is
   * @param rankWaits seconds that each rank waited for others
   */
  public record Outcome(
      long steps,
      boolean finished,
      double tokensPerSecond,
      @Nullable StepMetrics last,
      @Nullable Evaluation evaluation,
      @Nullable Checkpoint checkpoint,
      long peakBytes,
      long hostPeakBytes,
      List<Double> rankWaits) {}

  /**
   * A run that has not begun: its data is opened and its model made, but nothing is written.
   *
   * @param warnings told, in one line each, of trouble that does not stop the run
   * @param stop asked, while tokens are made of the data, whether to stop that
   * @throws IllegalArgumentException if the data is missing, or too little for a batch
   * @throws java.util.concurrent.CancellationException if it was stopped
   */
  public TrainingRun(
      Engine engine, RunConfig config, Consumer<String> warnings, BooleanSupplier stop) {
    this(engine, null, config, warnings, Ranks.ONE, stop);
  }

  /**
   * The same as one of several ranks, which all make their run and then do the same with it; on a
   * device beside which there may be a host.
   *
   * @param host keeps what is offloaded; stays the caller's
   */
  public TrainingRun(
      Engine engine,
      @Nullable Engine host,
      RunConfig config,
      Consumer<String> warnings,
      Ranks ranks,
      BooleanSupplier stop) {
    this.ranks = ranks;
    this.engine = engine;
    this.host = host;
    this.config = config;
    this.warnings = warnings;
    try (Resources taken = new Resources()) {
      Dataset data = taken.add(Dataset.open(config.data(), warnings, stop));
      this.trainer = taken.add(new Trainer(engine, host, config, data, ranks));
      this.samples = sampleFiles();
      if (samples != null) {
        taken.add(samples);
      }
      this.resources = taken.keep();
    }
  }

  /** What the model writes while it learns, if anything: it takes one rank, with all of it. */
  private @Nullable SampleFiles sampleFiles() {
    if (config.training().samples().count() == 0 || !ranks.isFirst()) {
      return null;
    }
    if (!trainer.holdsWholeModel()) {
      warnings.accept(
          "no samples are written while the model learns, for no rank has all of it; ft generate"
              + " writes some from a checkpoint, training.samples=0 asks for none");
      return null;
    }
    Tokenizer tokenizer = Tokenizer.of(config.data());
    return new SampleFiles(trainer.samples(tokenizer), tokenizer);
  }

  /**
   * Starts from the weights of a saved model instead of new ones, and saves them as the run's own:
   * it may be killed before its first step is saved, and the model be gone when it is resumed.
   *
   * @throws IllegalArgumentException if there is none, or it has another shape
   * @throws IOException if the folder cannot be written
   */
  public void initialize(Path path, RunFolder folder) throws IOException {
    try (SavedModel saved = SavedModel.open(path, warnings)) {
      trainer.initialize(saved.file());
    }
    trainer.save(new CheckpointFolder(folder.checkpoints()), OptionalDouble.empty());
  }

  /**
   * Goes on from the newest whole checkpoint in a folder, if there is one; damaged ones after it
   * are renamed.
   *
   * @return the steps done before, 0 if the run had saved nothing yet
   * @throws IllegalArgumentException if there are checkpoints, but none is whole and of this run
   * @throws IOException if a damaged one cannot be renamed
   */
  public long resume(RunFolder folder) throws IOException {
    CheckpointFolder checkpoints = new CheckpointFolder(folder.checkpoints());
    Optional<Checkpoint> newest =
        ranks.isFirst() ? checkpoints.newest(Checkpoint.Use.RESUME, warnings) : Optional.empty();
    if (newest.isPresent()) { // Before the others are told of it, who look under its own name.
      newest = Optional.of(checkpoints.inPlace(newest.get()));
    }
    long step = ranks.fromFirst(newest.map(found -> found.state().step()).orElse(-1L));
    if (step >= 0) {
      trainer.restore(newest.isPresent() ? newest.get() : checkpoints.verifiedByAnother(step));
    }
    if (newest.isPresent()) {
      resumedFrom = newest.get();
      for (Path aside : checkpoints.setAsideDamaged(resumedFrom)) {
        warnings.accept("the damaged checkpoint is kept as " + aside);
      }
    }
    return trainer.stepsDone();
  }

  /**
   * Trains until all steps are done or a stop is asked for; the state is saved either way.
   *
   * @param watcher told of every step
   * @throws IOException if the folder cannot be written; checkpoints saved before are whole
   */
  public Outcome train(RunFolder folder, TrainingListener watcher, BooleanSupplier stop)
      throws IOException {
    CheckpointFolder checkpoints = new CheckpointFolder(folder.checkpoints(), warnings);
    try (Recorder recorder = new Recorder(folder, watcher, trainer.stepsDone())) {
      boolean finished = trainer.run(checkpoints, recorder, stop);
      return new Outcome(
          trainer.stepsDone(),
          finished,
          recorder.tokensPerSecond(),
          recorder.last,
          recorder.evaluation,
          recorder.checkpoint == null ? resumedFrom : recorder.checkpoint,
          engine.device().memory().peakBytes(),
          host == null ? 0 : host.device().memory().peakBytes(),
          ranks.waits());
    } catch (UncheckedIOException failure) {
      throw failure.getCause();
    }
  }

  /**
   * What a rank does that is not the first while that one trains: the same, but it reports nothing.
   *
   * @throws IOException if it cannot write its share of a checkpoint
   */
  public void follow(RunFolder folder, BooleanSupplier stop) throws IOException {
    trainer.run(new CheckpointFolder(folder.checkpoints()), new TrainingListener() {}, stop);
    ranks.waits();
  }

  @Override
  public void close() {
    resources.close();
  }

  /** Writes what happens into the run's files, and passes it on. */
  private final class Recorder implements TrainingListener, AutoCloseable {
    private final RunFolder folder;
    private final TrainingListener watcher;
    private final MetricsFile metrics;
    private final MetricsFile evaluations;
    private final TensorBoardFile board;
    private final double secondsBefore;
    private final long began = System.nanoTime();
    private long nanosOfSamples;
    private long firstTokens = -1;
    private long loggedStep;
    private @Nullable StepMetrics last;
    private @Nullable Evaluation evaluation;
    private @Nullable Checkpoint checkpoint;
    private final CollapseWarning collapse = new CollapseWarning(config.training());

    Recorder(RunFolder folder, TrainingListener watcher, long stepsDone) throws IOException {
      this.folder = folder;
      this.watcher = watcher;
      try (Resources opened = new Resources()) {
        metrics = opened.add(MetricsFile.from(folder.metrics(), stepsDone));
        evaluations = opened.add(MetricsFile.from(folder.evaluations(), stepsDone));
        board = opened.add(TensorBoardFile.from(folder.path(), stepsDone));
        opened.keep();
      }
      List<JsonNode> before = metrics.kept();
      secondsBefore = before.isEmpty() ? 0 : before.getLast().path("time").asDouble();
    }

    /** Of training and evaluation. */
    double seconds() {
      return (System.nanoTime() - began - nanosOfSamples) * 1e-9;
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
      boolean redrawn = !step.redrawnBits().isEmpty();
      if (config.training().isLogged(step.step()) || step.step() == 1 || redrawn) {
        log(step);
      }
      if (redrawn) {
        warnings.accept(
            "step %d: plan bits %s carried under %s nats each over %d steps, and were drawn anew"
                .formatted(
                    step.step(),
                    step.redrawnBits(),
                    config.training().remedies().deadBitKl(),
                    config.training().remedies().deadBitSteps()));
      }
      watcher.onStep(step);
    }

    @Override
    public void onEvaluation(long step, Evaluation result) {
      evaluation = result;
      Map<String, @Nullable Object> line = new LinkedHashMap<>();
      line.put("step", step);
      line.putAll(Reports.of(result));
      write(evaluations, line);
      collapse.after(step, result).ifPresent(warnings);
      watcher.onEvaluation(step, result);
      if (Double.isFinite(result.nllBound())) { // Else no token has a probability.
        writeSamples(step);
      }
    }

    private void log(StepMetrics step) {
      write(metrics, line(step));
      loggedStep = step.step();
    }

    private void writeSamples(long step) {
      if (samples != null) {
        long start = System.nanoTime();
        try {
          samples.write(folder.samples(), step);
        } catch (IOException failure) {
          throw new UncheckedIOException(failure);
        }
        nanosOfSamples += System.nanoTime() - start;
      }
    }

    @Override
    public void onSaving() {
      if (last != null && last.step() > loggedStep) {
        log(last); // The run may go on from here, and so does its time.
      }
      try {
        metrics.flush();
        evaluations.flush();
        board.flush();
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
      watcher.onSaving();
    }

    @Override
    public void onCheckpoint(Checkpoint saved) {
      checkpoint = saved;
      watcher.onCheckpoint(saved);
    }

    private Map<String, Object> line(StepMetrics step) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("step", step.step());
      line.put("tokens", step.tokens());
      line.put("loss", step.loss());
      line.put("reconstruction", step.reconstruction());
      line.put("kl", step.kl());
      line.put("kl_per_bit", Arrays.stream(step.klPerBit()).boxed().toList());
      line.put("kappa", step.kappa());
      line.put("lr", step.learningRate());
      line.put("grad_norm", step.gradientNorm());
      if (step.scaling() != null) {
        line.put("loss_scale", step.scaling().scale());
        line.put("skipped_steps", step.scaling().skippedSteps());
      }
      if (!step.updateRatios().isEmpty()) {
        line.put("update_ratio", step.updateRatios());
      }
      if (!step.rankWaits().isEmpty()) {
        line.put("rank_waits", step.rankWaits());
      }
      if (!step.redrawnBits().isEmpty()) {
        line.put("redrawn_bits", step.redrawnBits());
      }
      line.put("tokens_per_second", tokensPerSecond());
      line.put("time", secondsBefore + seconds());
      return line;
    }

    private void write(MetricsFile file, Map<String, ? extends @Nullable Object> line) {
      try {
        file.add(line);
        if (line.get("step") instanceof Long step) {
          board.add(step, file == metrics ? "train" : "held_out", line);
        }
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }

    @Override
    public void close() throws IOException {
      try (metrics;
          evaluations;
          board) {
        // All are closed, whichever fails.
      }
    }
  }
}
