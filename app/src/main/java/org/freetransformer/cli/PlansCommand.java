package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;
import org.freetransformer.config.Origin;
import org.freetransformer.data.Batches;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Split;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.eval.PlanAnalysis;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.plots.Drawing;
import org.freetransformer.plots.PlanMeaningPictures;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.PlanReport;
import org.freetransformer.run.RunFolder;
import org.freetransformer.run.SavedModel;
import org.freetransformer.tensor.Engine;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ft plans}: what a model's plans mean. */
@Command(
    name = "plans",
    mixinStandardHelpOptions = true,
    description = {
      "Shows what plans mean on held-out text: how much each bit is used, how well position and"
          + " next",
      "token tell it, and how far flipping it moves the next token's distribution."
    })
final class PlansCommand implements Callable<Integer> {
  private static final int BATCH = 8;

  @Mixin private Output output;
  @Mixin private ModelOptions model;
  @Mixin private DeviceOptions device;
  @Mixin private WeightOptions weights;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder for the pictures (default: plots in the run folder, else plans).")
  private @Nullable Path out;

  @Option(
      names = "--examples",
      paramLabel = "N",
      description = "At most so many held-out texts, 2 or more (default: ${DEFAULT-VALUE}).")
  private int examples = 512;

  @Option(
      names = "--steered",
      paramLabel = "N",
      description = "Of so many of them, 1 or more, bits are flipped (default: ${DEFAULT-VALUE}).")
  private int steered = 64;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of the drawn plans (default: 0).")
  private long seed;

  @Override
  public Integer call() throws IOException {
    Limits.between("--examples", examples, 2, Integer.MAX_VALUE);
    Limits.between("--steered", steered, 1, Integer.MAX_VALUE);
    if (out != null) {
      OutputFiles.requireWritableFolder(out);
    }
    try (SavedModel saved = model.open(output);
        Engine engine = device.open();
        LanguageModel loaded = weights.load(saved, engine)) {
      if (!(loaded instanceof FreeTransformer free)) {
        throw new ConfigException("", "holds a baseline, which has no plan")
            .at(Origin.of(model.name()), "");
      }
      engine.random().seed(seed);
      DataConfig data = saved.trainingData(output::note);
      try (Dataset dataset = Dataset.open(data, output::note)) {
        report(analyse(free, dataset), Tokenizer.of(data), folder(saved));
      }
    }
    return 0;
  }

  private PlanAnalysis.Result analyse(FreeTransformer free, Dataset dataset) {
    long total = Math.min(examples, dataset.size(Split.VALIDATION));
    int size = (int) Math.min(BATCH, total);
    Batches batches = new Batches(dataset, Split.VALIDATION, size, 0);
    try (PlanAnalysis analysis = new PlanAnalysis(free, size, dataset.length());
        Progress progress = output.progress("plans", 0, total, "texts")) {
      return analysis.run(
          batches,
          total,
          steered,
          done -> {
            if (done > 0) { // The first batch compiles the kernels: nothing is known before.
              progress.at(done, "%d of them with bits flipped".formatted(Math.min(done, steered)));
            }
            return true;
          });
    }
  }

  private Path folder(SavedModel saved) {
    if (out != null) {
      return out;
    }
    for (Path path = saved.path().toAbsolutePath(); path != null; path = path.getParent()) {
      if (Files.exists(new RunFolder(path).config())) {
        return new RunFolder(path).plots();
      }
    }
    return Path.of("plans");
  }

  private void report(PlanAnalysis.Result result, Tokenizer tokenizer, Path folder)
      throws IOException {
    List<Path> pictures = new ArrayList<>();
    try {
      Drawing.attempt(
          () ->
              pictures.addAll(
                  PlanMeaningPictures.draw(result, token -> name(tokenizer, token), folder)),
          output::warn);
    } finally { // Results are worth having where pictures cannot be written.
      print(result, pictures);
    }
  }

  private void print(PlanAnalysis.Result result, List<Path> pictures) {
    Map<String, Object> object = PlanReport.of(result);
    object.put("weights", weights.type());
    object.put("pictures", pictures.stream().map(Path::toString).toList());
    StringBuilder text = new StringBuilder(PlanReport.text(result));
    pictures.forEach(picture -> text.append("picture: ").append(picture).append('\n'));
    output.result(object, text.toString());
  }

  /** A token as it is written, spaces and line ends made visible. */
  private static String name(Tokenizer tokenizer, int token) {
    return tokenizer.decode(token).replace(' ', '␣').replace('\n', '↵').replace('\t', '→');
  }
}
