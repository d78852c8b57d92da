package org.freetransformer.cli;

import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;
import org.freetransformer.data.Batches;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Split;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.eval.BitsPerByte;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.eval.Evaluator;
import org.freetransformer.model.LanguageModel;
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
  private static final int USUAL_SAMPLES = 8;

  @Mixin private Output output;
  @Mixin private ModelOptions model;
  @Mixin private DeviceOptions device;

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

  @Option(
      names = "--samples",
      paramLabel = "K",
      description = "Plans drawn for each text, for nll_iw (default: " + USUAL_SAMPLES + ").")
  private @Nullable Integer samples;

  @Option(
      names = "--examples",
      paramLabel = "N",
      description = "At most so many held-out examples (default: all).")
  private int examples = Integer.MAX_VALUE;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of the drawn plans (default: 0).")
  private long seed;

  @Override
  public Integer call() {
    Limits.between("--examples", examples, 1, Integer.MAX_VALUE);
    if (deterministic && samples != null) {
      throw new ConfigException(
          "--samples", "draws plans, and --deterministic draws none; leave one of them out");
    }
    Limits.between("--samples", samples(), 1, Evaluator.MOST_SAMPLES);
    try (SavedModel saved = model.open(output)) {
      DataConfig data =
          text == null ? saved.dataConfig(output::note) : saved.dataConfig(text, output::note);
      evaluate(saved, data);
    }
    return 0;
  }

  private int samples() {
    return samples == null ? USUAL_SAMPLES : samples;
  }

  private void evaluate(SavedModel saved, DataConfig data) {
    try (Engine engine = device.open();
        LanguageModel loaded = saved.load(engine);
        Dataset dataset = Dataset.open(data, output::note)) {
      engine.random().seed(seed);
      int size = (int) Math.min(Math.min(BATCH, examples), dataset.size(Split.VALIDATION));
      Batches batches = new Batches(dataset, Split.VALIDATION, size, seed);
      Evaluation evaluation = evaluate(loaded, batches, dataset.length()).requireFinite();
      OptionalDouble bitsPerByte =
          BitsPerByte.of(evaluation, batches, examples, Tokenizer.of(data));
      Map<String, @Nullable Object> object = Reports.of(evaluation);
      object.put("bits_per_byte", bitsPerByte.isPresent() ? bitsPerByte.getAsDouble() : null);
      output.result(object, EvaluationText.of(evaluation, bitsPerByte));
    }
  }

  private Evaluation evaluate(LanguageModel loaded, Batches batches, int length) {
    int size = batches.batchSize();
    long total = Math.min(examples, batches.examples());
    try (Evaluator evaluator =
            deterministic
                ? Evaluator.deterministic(loaded, size, length)
                : Evaluator.sampling(loaded, size, length, samples());
        Progress progress = output.progress("eval", 0, total, "examples")) {
      return evaluator.evaluate(
          batches,
          total,
          done -> {
            if (done > 0) { // The first batch compiles the kernels: nothing is known before.
              progress.at(done, "%d plans each".formatted(deterministic ? 1 : samples()));
            }
            return true;
          });
    }
  }
}
