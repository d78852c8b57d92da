package org.freetransformer.compare;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
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
import org.freetransformer.model.ModelConfig;
import org.freetransformer.plots.PictureRefresher;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.run.FolderLock;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.Reports;
import org.freetransformer.run.RunFolder;
import org.freetransformer.run.RunWatcher;
import org.freetransformer.run.SavedModel;
import org.freetransformer.run.TrainingRun;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.RunConfig;

/**
 * Trains every contender with every seed, each in a run folder of its own, and evaluates what was
 * saved. What is finished is not done again, and what was interrupted goes on.
 */
public final class Comparison {
  private static final int EVALUATION_BATCH = 32;

  private final Supplier<Engine> device;
  private final Path folder;
  private final RunConfig free;
  private final int seeds;
  private final EvaluationSettings settings;
  private final Consumer<String> warnings;

  /** Shows how a comparison goes. */
  public interface Display {
    /** Opens the display of a run's training. */
    RunWatcher training(String task, RunConfig config);

    /** Opens the display of an evaluation. */
    Meter evaluation(String task, ModelConfig.Kind kind, long examples);

    /** Tells that a run was finished before. */
    void alreadyDone(String task);
  }

  /** Shows how an evaluation goes, until it is closed. */
  public interface Meter extends AutoCloseable {
    /** So many examples are evaluated. */
    void at(long done);

    @Override
    void close();
  }

  /**
   * A comparison of which nothing is computed yet.
   *
   * @param device opens the device that computes; opened anew for every run
   * @param folder takes the run folders
   * @param free configuration of the Free Transformer; its seed is the first
   * @param seeds how many, each one more than the one before
   * @param warnings told, in one line each, of trouble that does not stop a run
   * @throws ConfigException if {@code free} has no plan, or the folder holds runs that were
   *     configured otherwise
   */
  public Comparison(
      Supplier<Engine> device,
      Path folder,
      RunConfig free,
      int seeds,
      EvaluationSettings settings,
      Consumer<String> warnings) {
    this.device = device;
    this.folder = folder;
    this.free = free;
    this.seeds = seeds;
    this.settings = settings;
    this.warnings = warnings;
    for (Contender contender : Contender.values()) {
      for (long seed : seedNumbers()) {
        runFolder(contender, seed).requireSame(contender.config(free, seed));
      }
    }
  }

  private List<Long> seedNumbers() {
    List<Long> numbers = new ArrayList<>();
    for (int i = 0; i < seeds; i++) {
      numbers.add(free.training().seed() + i);
    }
    return numbers;
  }

  private RunFolder runFolder(Contender contender, long seed) {
    return new RunFolder(folder.resolve(contender.folder()).resolve("seed-" + seed));
  }

  /**
   * Does what is left to do.
   *
   * @param environment written into every run that is trained
   * @param stop asked after every step and every batch
   * @return all results; empty if a stop was asked for before they were there
   * @throws IOException if the folder cannot be written
   */
  public Optional<ComparisonResult> run(String environment, Display display, BooleanSupplier stop)
      throws IOException {
    Map<Contender, List<SeedResult>> results = new EnumMap<>(Contender.class);
    for (long seed : seedNumbers()) {
      for (Contender contender : Contender.values()) {
        Optional<SeedResult> result = result(contender, seed, environment, display, stop);
        if (result.isEmpty()) {
          return Optional.empty();
        }
        results.computeIfAbsent(contender, _ -> new ArrayList<>()).add(result.get());
      }
    }
    List<ModelResult> models = new ArrayList<>();
    results.forEach((contender, all) ->
        models.add(
            new ModelResult(
                contender, contender.config(free, free.training().seed()).model(), all)));
    return Optional.of(new ComparisonResult(models, curves()));
  }

  private Optional<SeedResult> result(
      Contender contender, long seed, String environment, Display display, BooleanSupplier stop)
      throws IOException {
    RunFolder run = runFolder(contender, seed);
    RunConfig config = contender.config(free, seed);
    String task = "%s, seed %d".formatted(contender.label(), seed);
    Path file = run.path().resolve("result.json");
    Optional<SeedResult> before = SeedResult.read(file);
    if (before.isPresent() && before.get().settings().equals(settings)) {
      display.alreadyDone(task);
      return before;
    }
    try (FolderLock _ = FolderLock.take(run.path(), warnings);
        Engine engine = device.get()) {
      long peakBytes;
      if (before.isPresent()) {
        peakBytes = before.get().peakBytes();
      } else {
        OutputFiles.write(run.environment(), environment);
        TrainingRun.Outcome outcome = train(engine, config, run, task, display, stop);
        peakBytes = peakBytes(run, outcome.peakBytes());
        if (!outcome.finished()) {
          return Optional.empty();
        }
      }
      Optional<Evaluation> evaluation = evaluate(engine, config, run, task, display, stop);
      if (evaluation.isEmpty()) {
        return Optional.empty();
      }
      SeedResult result =
          SeedResult.of(
              seed,
              TrainingSpeed.of(run.metrics()),
              peakBytes,
              settings,
              Reports.of(evaluation.get()));
      result.write(file);
      return Optional.of(result);
    }
  }

  /** The most of all processes that trained this run: the last one may have had little to do. */
  private static long peakBytes(RunFolder run, long now) throws IOException {
    Path file = run.path().resolve("peak-bytes");
    long peak = Math.max(Files.exists(file) ? number(file) : 0, now);
    OutputFiles.write(file, peak + "\n");
    return peak;
  }

  /** The number in a file; 0 in one that is damaged. */
  private static long number(Path file) throws IOException {
    try {
      return Long.parseLong(new String(Files.readAllBytes(file), UTF_8).strip());
    } catch (NumberFormatException damaged) {
      return 0;
    }
  }

  private TrainingRun.Outcome train(
      Engine engine,
      RunConfig config,
      RunFolder run,
      String task,
      Display display,
      BooleanSupplier stop)
      throws IOException {
    try (TrainingRun training = new TrainingRun(engine, config, warnings, stop);
        PictureRefresher pictures =
            new PictureRefresher(run, config, display.training(task, config), warnings)) {
      run.requireWritable();
      training.resume(run);
      OutputFiles.write(run.config(), ConfigFile.write(config.toMap()));
      TrainingRun.Outcome outcome = training.train(run, pictures, stop);
      pictures.draw();
      return outcome;
    }
  }

  /** Measures what was saved, not what is in memory: so every number can be had again. */
  private Optional<Evaluation> evaluate(
      Engine engine,
      RunConfig config,
      RunFolder run,
      String task,
      Display display,
      BooleanSupplier stop) {
    try (Dataset dataset = Dataset.open(config.data(), warnings, stop);
        SavedModel saved = SavedModel.open(run.path(), warnings);
        LanguageModel model = saved.load(engine)) {
      long examples = Math.min(settings.examples(), dataset.size(Split.VALIDATION));
      int size = (int) Math.min(EVALUATION_BATCH, examples);
      Batches batches = new Batches(dataset, Split.VALIDATION, size, 0);
      engine.random().seed(config.training().seed());
      try (Evaluator evaluator =
              Evaluator.sampling(model, size, dataset.length(), settings.samples());
          Meter meter = display.evaluation(task, config.model().kind(), examples)) {
        Evaluation evaluation =
            evaluator.evaluate(
                batches,
                examples,
                done -> {
                  meter.at(done);
                  return !stop.getAsBoolean();
                });
        return stop.getAsBoolean() ? Optional.empty() : Optional.of(evaluation);
      }
    }
  }

  /** Held-out bounds during training. */
  private List<HeldOutCurve> curves() throws IOException {
    List<HeldOutCurve> curves = new ArrayList<>();
    for (Contender contender : Contender.values()) {
      List<Path> files =
          seedNumbers().stream().map(seed -> runFolder(contender, seed).evaluations()).toList();
      curves.add(HeldOutCurve.mean(contender.label(), files));
    }
    return curves;
  }
}
