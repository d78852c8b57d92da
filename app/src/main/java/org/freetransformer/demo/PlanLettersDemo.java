package org.freetransformer.demo;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.freetransformer.config.ConfigException;
import org.freetransformer.data.Batches;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Split;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.eval.Evaluator;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.plots.PictureRefresher;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.run.MetricsFile;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.RunFolder;
import org.freetransformer.run.RunWatcher;
import org.freetransformer.run.SavedModel;
import org.freetransformer.run.TrainingReport;
import org.freetransformer.run.TrainingRun;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.RunConfig;

/**
 * Trains the models of the demonstration one after the other, and measures each. Models that were
 * trained before are only measured, and what was interrupted goes on.
 */
public final class PlanLettersDemo {
  private static final int EVALUATION_BATCH = 50;

  private final Supplier<Engine> device;
  private final Path folder;
  private final Consumer<String> warnings;

  /** Makes the display of a model's training. */
  @FunctionalInterface
  public interface Displays {
    /** Opens it. */
    RunWatcher open(Regime regime, RunConfig config);
  }

  /**
   * A demonstration that has not begun.
   *
   * @param device opens the device that computes; opened anew for every model
   * @param folder takes a run folder for each model
   * @param warnings told, in one line each, of trouble that does not stop the run
   */
  public PlanLettersDemo(Supplier<Engine> device, Path folder, Consumer<String> warnings) {
    this.device = device;
    this.folder = folder;
    this.warnings = warnings;
  }

  /**
   * Trains and measures models, in order.
   *
   * @param configs of each model, from {@link DemoConfigs}
   * @return a result for each; fewer if a stop was asked for
   * @throws ConfigException if the folder holds runs that were configured otherwise
   * @throws IOException if the folder cannot be written
   */
  public List<RegimeResult> run(
      List<Regime> regimes, DemoConfigs configs, Displays displays, BooleanSupplier stop)
      throws IOException {
    regimes.forEach(regime -> runFolder(regime).requireSame(configs.of(regime)));
    List<RegimeResult> results = new ArrayList<>();
    for (Regime regime : regimes) {
      RunConfig config = configs.of(regime);
      RunFolder run = runFolder(regime);
      run.requireWritable();
      OutputFiles.write(run.config(), ConfigFile.write(config.toMap()));
      Optional<RegimeResult> result = train(regime, config, run, displays, stop);
      if (result.isEmpty()) {
        return results;
      }
      results.add(result.get());
      OutputFiles.write(run.samples().resolve("samples.txt"), SideBySide.of(result.get()));
    }
    return results;
  }

  private RunFolder runFolder(Regime regime) {
    return new RunFolder(folder.resolve(regime.folder()));
  }

  private Optional<RegimeResult> train(
      Regime regime, RunConfig config, RunFolder run, Displays displays, BooleanSupplier stop)
      throws IOException {
    long began = System.nanoTime();
    double before = secondsSpent(run);
    try (Engine engine = device.get()) {
      TrainingRun.Outcome outcome;
      try (TrainingRun training = new TrainingRun(engine, config, warnings, stop);
          PictureRefresher pictures =
              new PictureRefresher(run, config, displays.open(regime, config), warnings)) {
        training.resume(run);
        outcome = training.train(run, pictures, stop);
        pictures.draw();
      }
      double seconds = before + (System.nanoTime() - began) * 1e-9;
      if (!outcome.finished()) {
        return Optional.empty();
      }
      return Optional.of(measure(engine, regime, config, run, outcome, seconds));
    }
  }

  /** What was spent on a run before, as its metrics tell. */
  private static double secondsSpent(RunFolder run) throws IOException {
    List<JsonNode> lines =
        Files.exists(run.metrics()) ? MetricsFile.read(run.metrics()) : List.of();
    return lines.isEmpty() ? 0 : lines.getLast().path("time").asDouble();
  }

  /** Measures what was saved, not what is in memory: so every number can be had again. */
  private RegimeResult measure(
      Engine engine,
      Regime regime,
      RunConfig config,
      RunFolder run,
      TrainingRun.Outcome outcome,
      double seconds)
      throws IOException {
    try (Dataset dataset = Dataset.open(config.data(), warnings);
        SavedModel saved = SavedModel.open(run.path(), warnings);
        LanguageModel model = saved.load(engine)) {
      Evaluation evaluation = evaluate(engine, model, dataset, config.training().seed());
      SampleStudy study = SampleStudy.of(model, config.training().seed());
      return new RegimeResult(
          regime,
          model.parameterCount(),
          outcome.steps(),
          seconds,
          TrainingReport.of(outcome, run),
          evaluation,
          study);
    }
  }

  private static Evaluation evaluate(
      Engine engine, LanguageModel model, Dataset dataset, long seed) {
    int size = (int) Math.min(EVALUATION_BATCH, dataset.size(Split.VALIDATION));
    Batches batches = new Batches(dataset, Split.VALIDATION, size, 0);
    try (Evaluator evaluator = Evaluator.sampling(model, size, dataset.length(), 1)) {
      engine.random().seed(seed);
      return evaluator.evaluate(batches, batches.examples());
    }
  }
}
