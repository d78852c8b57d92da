package org.freetransformer.precision;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Origin;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.nn.optim.LossScaler;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.run.Median;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.RunFolder;
import org.freetransformer.run.RunPlan;
import org.freetransformer.run.RunWatcher;
import org.freetransformer.run.TrainingRun;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.StepMetrics;
import org.jspecify.annotations.Nullable;

/** Trains one configuration in every way, each in a run folder of its own. */
public final class PrecisionStudy {
  private final Supplier<Engine> device;
  private final Path folder;
  private final RunConfig base;
  private final Consumer<String> warnings;

  /**
   * A study of which nothing is computed yet.
   *
   * @param device opens the device that computes; opened anew for every run
   * @param folder takes the run folders
   * @param base what is trained; its precision does not matter
   * @param warnings told, in one line each, of trouble that does not stop a run
   */
  public PrecisionStudy(
      Supplier<Engine> device, Path folder, RunConfig base, Consumer<String> warnings) {
    this.device = device;
    this.folder = folder;
    this.base = base;
    this.warnings = warnings;
  }

  /**
   * Checks that none of its runs is there. A study that was stopped cannot go on: it compares the
   * losses of all steps, and measures memory and speed of one process.
   *
   * @throws ConfigException if there is one
   */
  public void requireNew() {
    for (Way way : Way.all()) {
      Path run = folder.resolve(way.folder());
      if (Files.exists(new RunFolder(run).config())) {
        throw new ConfigException(
                "",
                "was trained before, and a study cannot go on; name another --out, or remove it")
            .at(Origin.of(run.toString()), "");
      }
    }
  }

  /**
   * Trains all ways, one after the other.
   *
   * @param display opens the display of a run
   * @param stop asked after every step
   * @return the report, or null if a stop was asked for before the end
   * @throws IOException if a folder cannot be written
   */
  public @Nullable PrecisionReport run(
      String environment, BiFunction<String, RunConfig, RunWatcher> display, BooleanSupplier stop)
      throws IOException {
    List<WayResult> results = new ArrayList<>();
    for (Way way : Way.all()) {
      WayResult result = train(way, environment, display, stop);
      if (result == null) {
        return null;
      }
      results.add(result);
    }
    return new PrecisionReport(base, results);
  }

  private @Nullable WayResult train(
      Way way,
      String environment,
      BiFunction<String, RunConfig, RunWatcher> display,
      BooleanSupplier stop)
      throws IOException {
    RunConfig config = way.config(base);
    Map<String, Long> planned = RunPlan.of(config).bytes();
    try (Engine engine = device.get();
        TrainingRun run = new TrainingRun(engine, config, warnings, stop);
        Watcher watcher = new Watcher(engine, display.apply(way.label(), config))) {
      RunFolder runFolder = RunFolder.create(folder.resolve(way.folder()), false);
      OutputFiles.write(runFolder.config(), ConfigFile.write(config.toMap()));
      OutputFiles.write(runFolder.environment(), environment);
      int steps = way.steps(base);
      TrainingRun.Outcome outcome =
          run.train(
              runFolder, watcher, () -> stop.getAsBoolean() || watcher.losses.size() == steps);
      if (outcome.steps() < steps) {
        return null;
      }
      return new WayResult(
          way,
          watcher.losses,
          planned,
          watcher.peakBytes,
          watcher.tokensPerSecond(),
          watcher.scaling,
          outcome.finished() ? outcome.evaluation() : null);
    }
  }

  /** Takes down what a run shows, and passes it on. */
  private static final class Watcher implements RunWatcher {
    private final Engine engine;
    private final RunWatcher shown;
    private final List<Double> losses = new ArrayList<>();
    private final List<Double> rates = new ArrayList<>();
    private LossScaler.@Nullable State scaling;
    private boolean evaluated;
    private long peakBytes;
    private long lastTokens;
    private long lastTime;

    Watcher(Engine engine, RunWatcher shown) {
      this.engine = engine;
      this.shown = shown;
    }

    @Override
    public void onStep(StepMetrics step) {
      long now = System.nanoTime();
      if (lastTokens > 0) {
        rates.add((step.tokens() - lastTokens) * 1e9 / (now - lastTime));
      }
      lastTokens = step.tokens();
      losses.add(step.loss());
      scaling = step.scaling();
      if (!evaluated) {
        peakBytes = engine.device().memory().peakBytes();
      }
      shown.onStep(step);
      lastTime = System.nanoTime();
    }

    double tokensPerSecond() {
      return rates.isEmpty() ? 0 : Median.of(rates);
    }

    @Override
    public void onEvaluation(long step, Evaluation evaluation) {
      evaluated = true;
      shown.onEvaluation(step, evaluation);
    }

    @Override
    public void onSaving() {
      shown.onSaving();
    }

    @Override
    public void onCheckpoint(Checkpoint checkpoint) {
      shown.onCheckpoint(checkpoint);
    }

    @Override
    public void close() {
      shown.close();
    }
  }
}
