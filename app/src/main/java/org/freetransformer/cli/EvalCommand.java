package org.freetransformer.cli;

import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.freetransformer.compare.EvaluationSettings;
import org.freetransformer.config.ConfigException;
import org.freetransformer.corpus.DataFiles;
import org.freetransformer.data.Batches;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Split;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.eval.BitsPerByte;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.eval.Evaluator;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.run.InputFiles;
import org.freetransformer.run.Reports;
import org.freetransformer.run.SavedModel;
import org.freetransformer.tensor.Engine;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ft eval}: what a saved model is worth on held-out data. */
@Command(
    name = "eval",
    mixinStandardHelpOptions = true,
    description = "Evaluates a saved model on the held-out part of the data it was trained on.")
final class EvalCommand implements Callable<Integer> {
  private static final int BATCH = 32;

  @Mixin private Output output;
  @Mixin private ModelOptions model;
  @Mixin private DeviceOptions device;
  @Mixin private EvaluationOptions evaluation;
  @Mixin private WeightOptions weights;

  @Option(
      names = "--data",
      paramLabel = "PATH",
      description =
          "Text to evaluate on instead: the held-out part of this file or folder, such as the last"
              + " tenth of a text file.")
  private @Nullable Path text;

  @Option(
      names = "--deterministic",
      description = "Takes each plan bit by threshold ½ instead of drawing it; gives no bound.")
  private boolean deterministic;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of the drawn plans (default: 0).")
  private long seed;

  @Override
  public Integer call() {
    if (deterministic && evaluation.givesSamples()) {
      throw new ConfigException(
          "--samples", "draws plans, and --deterministic draws none; leave one of them out");
    }
    EvaluationSettings settings = evaluation.settings();
    try (SavedModel saved = model.open(output)) {
      DataConfig data = text == null ? saved.trainingData(output::note) : dataConfig(saved, text);
      evaluate(saved, data, settings);
    }
    return 0;
  }

  private DataConfig dataConfig(SavedModel saved, Path other) {
    InputFiles.requireExists(other, "text");
    return saved.dataConfig(other, DataFiles::datasetName, output::note);
  }

  private void evaluate(SavedModel saved, DataConfig data, EvaluationSettings settings) {
    try (Engine engine = device.open();
        LanguageModel loaded = weights.load(saved, engine);
        Dataset dataset = Dataset.open(data, output::note)) {
      engine.random().seed(seed);
      int size =
          (int) Math.min(Math.min(BATCH, settings.examples()), dataset.size(Split.VALIDATION));
      Batches batches = new Batches(dataset, Split.VALIDATION, size, seed);
      Evaluation measured = evaluate(loaded, batches, dataset.length(), settings).requireFinite();
      OptionalDouble bitsPerByte =
          BitsPerByte.of(measured, batches, settings.examples(), Tokenizer.of(data));
      Map<String, @Nullable Object> object = Reports.of(measured);
      object.put("weights", weights.type());
      object.put("bits_per_byte", bitsPerByte.isPresent() ? bitsPerByte.getAsDouble() : null);
      output.result(object, EvaluationText.of(measured, bitsPerByte));
    }
  }

  private Evaluation evaluate(
      LanguageModel loaded, Batches batches, int length, EvaluationSettings settings) {
    int size = batches.batchSize();
    long total = Math.min(settings.examples(), batches.examples());
    String plans =
        EvaluationText.plansEach(loaded.config().kind(), deterministic ? 1 : settings.samples());
    try (Evaluator evaluator =
            deterministic
                ? Evaluator.deterministic(loaded, size, length)
                : Evaluator.sampling(loaded, size, length, settings.samples());
        Progress progress = output.progress("eval", 0, total, "examples")) {
      return evaluator.evaluate(
          batches,
          total,
          done -> {
            if (done > 0) { // The first batch compiles the kernels: nothing is known before.
              progress.at(done, plans);
            }
            return true;
          });
    }
  }
}
