package org.freetransformer.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.freetransformer.config.Limits;
import org.freetransformer.data.Batches;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Split;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.eval.Evaluator;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.run.Reports;
import org.freetransformer.run.SavedModel;
import org.freetransformer.tensor.Engine;
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

  @Option(
      names = "--deterministic",
      description = "Takes each plan bit by threshold ½ instead of drawing it.")
  private boolean deterministic;

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
    try (SavedModel saved = model.open(output);
        Engine engine = device.open();
        LanguageModel loaded = saved.load(engine)) {
      engine.random().seed(seed);
      DataConfig data = saved.dataConfig(output::note);
      Evaluation evaluation = evaluate(loaded, Dataset.open(data, output::note));
      Map<String, Object> object = new LinkedHashMap<>(Reports.of(evaluation));
      if (data.source() != DataConfig.Source.SYNTHETIC) {
        // A token is one byte of text in both of the other datasets.
        object.put("bits_per_byte", evaluation.nllBound() / Math.log(2));
      }
      output.result(object, EvaluationText.of(evaluation));
    }
    return 0;
  }

  private Evaluation evaluate(LanguageModel loaded, Dataset dataset) {
    int size = (int) Math.min(Math.min(BATCH, examples), dataset.size(Split.VALIDATION));
    Batches batches = new Batches(dataset, Split.VALIDATION, size, seed);
    try (Evaluator evaluator = new Evaluator(loaded, size, dataset.length(), deterministic)) {
      return evaluator.evaluate(batches, examples / size);
    }
  }
}
