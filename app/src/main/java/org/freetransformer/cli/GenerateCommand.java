package org.freetransformer.cli;

import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.generate.Sampling;
import org.freetransformer.generate.StopStrings;
import org.freetransformer.generate.TextGenerator;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.run.Json;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.SampleJson;
import org.freetransformer.run.SavedModel;
import org.freetransformer.tensor.Engine;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ft generate}: writes text with a saved model. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description =
        "Writes text after a prompt, to plans drawn, inferred, replayed or pinned. One sample is"
            + " shown as it is written, once every byte of the checkpoint was looked at; several,"
            + " and JSON, at the end.")
final class GenerateCommand implements Callable<Integer> {
  private static final int MOST_SAMPLES = 10_000;

  @Mixin private Output output;
  @Mixin private ModelOptions model;
  @Mixin private DeviceOptions device;
  @Mixin private PlanOptions plan;
  @Mixin private WeightOptions weights;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      required = true,
      description = "What to go on from.")
  private String prompt;

  @Option(
      names = "--n",
      paramLabel = "N",
      description = "Samples to write, 1 to 10000 (default: 1).")
  private int samples = 1;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "New tokens of a sample at most, 1 or more (default: 64).")
  private int maxTokens = 64;

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description = "Divides the logits, 0 to 1e6; 0 takes the likeliest token (default: 1).")
  private double temperature = 1;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Draws from the K likeliest tokens, 0 or more; 0 for all (default: 0).")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description =
          "Draws from the fewest tokens with probability P together, above 0 to 1 (default: 1).")
  private double topP = 1;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description =
          "Leaves out tokens less likely than P times the likeliest, 0 to below 1 (default: 0).")
  private double minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description =
          "Above 1, tokens that the prompt or the text has already are less likely; below 1, they"
              + " are likelier; above 0 to 1e6 (default: 1).")
  private double repetitionPenalty = 1;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description =
          "Ends a sample before this text, as it stands: a new line is $'\\n' in bash, not '\\n'."
              + " May be repeated.")
  private List<String> stops = new ArrayList<>();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of plans and tokens: the same seed writes the same text (default: 0).")
  private long seed;

  @Option(
      names = "--save-plan",
      paramLabel = "FILE",
      description = "Writes the first sample's plan to a file that --plan replays.")
  private @Nullable Path savePlan;

  @Override
  public Integer call() throws IOException {
    Limits.between("--n", samples, 1, MOST_SAMPLES);
    Limits.between("--max-tokens", maxTokens, 1, Integer.MAX_VALUE);
    Sampling sampling =
        namingOptions(() -> new Sampling(temperature, topK, topP, minP, repetitionPenalty, seed));
    StopStrings stopStrings = namingOptions(() -> new StopStrings(stops));
    print(model.use(output, (saved, whole) -> write(saved, whole, sampling, stopStrings)));
    return 0;
  }

  /** What is a key to the library is an option here. */
  private static <T> T namingOptions(Supplier<T> making) {
    try {
      return making.get();
    } catch (ConfigException wrong) {
      throw new ConfigException("--" + wrong.key().replace('_', '-'), wrong.problem());
    }
  }

  /**
   * What was written.
   *
   * @param text as it is printed, without what was shown already
   */
  private record Written(List<TextGenerator.Sample> samples, String text) {}

  private Written write(
      SavedModel saved, Future<Boolean> whole, Sampling sampling, StopStrings stopStrings) {
    plan.requireFitting(saved.config(), savePlan != null);
    Tokenizer tokenizer = Tokenizer.of(saved.dataConfig(output::note));
    List<int[]> prompts = Collections.nCopies(samples, tokenizer.encode(prompt));
    TextGenerator.Request request =
        new TextGenerator.Request(prompts, maxTokens, sampling, plan.control(seed), stopStrings);
    boolean streams = samples == 1 && !output.isJson();
    TextStream stream = new TextStream(prompt, whole, output::part);
    try (Engine engine = device.open();
        LanguageModel loaded = weights.load(saved, engine)) {
      List<TextGenerator.Sample> written =
          new TextGenerator(loaded, tokenizer)
              .generate(
                  request,
                  piece -> {
                    if (streams) {
                      stream.add(piece.text());
                    }
                  });
      return new Written(written, streams ? stream.waiting() + "\n" : text(written));
    }
  }

  private String text(List<TextGenerator.Sample> written) {
    return written.stream().map(one -> prompt + one.text() + "\n").collect(joining());
  }

  private void print(Written written) throws IOException {
    List<TextGenerator.Sample> all = written.samples();
    if (savePlan != null) {
      Map<String, Object> first = Map.of("plan", all.getFirst().plans());
      OutputFiles.write(savePlan, Json.write(first) + "\n");
    }
    Map<String, Object> object =
        Map.of("samples", all.stream().map(GenerateCommand::json).toList());
    output.result(object, written.text());
  }

  private static Map<String, Object> json(TextGenerator.Sample sample) {
    return SampleJson.of(sample.text(), sample.tokens(), sample.plans(), sample.finishReason());
  }
}
