package org.freetransformer.cli;

import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.generate.Sampling;
import org.freetransformer.generate.StopStrings;
import org.freetransformer.generate.TextGenerator;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.run.Json;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.PromptFile.Prompt;
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
        "Writes text after prompts, to plans drawn, inferred, replayed or pinned. One sample is"
            + " shown as it is written, once every byte of the checkpoint was looked at; several,"
            + " and JSON, at the end. Several are written side by side, with a line before each"
            + " that says whose it is where prompts differ or texts have several lines.")
final class GenerateCommand implements Callable<Integer> {
  private static final int MOST_SAMPLES = 10_000;

  @Mixin private Output output;
  @Mixin private ModelOptions model;
  @Mixin private DeviceOptions device;
  @Mixin private PromptOptions prompts;
  @Mixin private PlanOptions plan;
  @Mixin private WeightOptions weights;

  @Option(
      names = "--n",
      paramLabel = "N",
      description = "Samples of each prompt, 1 to " + MOST_SAMPLES + " in all (default: 1).")
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
    List<Prompt> asked = prompts.read();
    if ((long) asked.size() * samples > MOST_SAMPLES) {
      throw new ConfigException(
          "--n",
          "%d prompts with %d samples each are %d; allowed are %d"
              .formatted(asked.size(), samples, (long) asked.size() * samples, MOST_SAMPLES));
    }
    if (savePlan != null) {
      OutputFiles.requireWritable(savePlan);
    }
    print(model.use(output, (saved, whole) -> write(saved, whole, asked, sampling, stopStrings)));
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
   * @param asked what it goes on from
   * @param prompts the tokens of that
   * @param samples of each prompt, those of the first one first
   * @param text as it is printed, without what was shown already
   */
  private record Written(
      List<Prompt> asked, List<int[]> prompts, List<TextGenerator.Sample> samples, String text) {}

  private Written write(
      SavedModel saved,
      Future<Boolean> whole,
      List<Prompt> asked,
      Sampling sampling,
      StopStrings stopStrings) {
    ModelConfig config = saved.config();
    plan.requireFitting(config, savePlan != null);
    Tokenizer tokenizer = Tokenizer.of(saved.dataConfig(output::note));
    List<int[]> tokens =
        asked.stream().map(prompt -> PromptOptions.tokens(prompt, tokenizer, config)).toList();
    List<int[]> each =
        tokens.stream().flatMap(one -> Collections.nCopies(samples, one).stream()).toList();
    TextGenerator.Request request =
        new TextGenerator.Request(each, maxTokens, sampling, plan.control(seed), stopStrings);
    boolean streams = each.size() == 1 && !output.isJson();
    TextStream stream = new TextStream(asked.getFirst().text(), whole, output::part);
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
      String text = streams ? stream.waiting() + "\n" : text(asked, written);
      return new Written(asked, tokens, written, text);
    }
  }

  /** All samples, kept apart: each a line, or under a line of its own where that would not do. */
  private String text(List<Prompt> asked, List<TextGenerator.Sample> written) {
    List<String> texts =
        IntStream.range(0, written.size())
            .mapToObj(i -> asked.get(i / samples).text() + written.get(i).text() + "\n")
            .toList();
    if (asked.size() == 1 && texts.stream().allMatch(one -> one.lines().count() == 1)) {
      return String.join("", texts);
    }
    return IntStream.range(0, texts.size())
        .mapToObj(i -> heading(i, asked.size()) + texts.get(i))
        .collect(joining());
  }

  private String heading(int sample, int promptCount) {
    List<String> names = new ArrayList<>();
    if (promptCount > 1) {
      names.add("prompt " + (sample / samples + 1));
    }
    if (samples > 1) {
      names.add("sample " + (sample % samples + 1));
    }
    return "--- %s%n".formatted(String.join(", ", names));
  }

  private void print(Written written) throws IOException {
    List<TextGenerator.Sample> all = written.samples();
    Map<String, Object> object = new LinkedHashMap<>();
    object.put(
        "prompts",
        IntStream.range(0, written.asked().size()).mapToObj(i -> prompt(written, i)).toList());
    object.put(
        "samples",
        IntStream.range(0, all.size()).mapToObj(i -> json(i / samples, all.get(i))).toList());
    output.result(object, written.text());
    if (savePlan != null) { // Last: the text is worth having where this cannot be written.
      Map<String, Object> first = Map.of("plan", all.getFirst().plans());
      OutputFiles.write(savePlan, Json.write(first) + "\n");
    }
  }

  private static Map<String, Object> prompt(Written written, int number) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("text", written.asked().get(number).text());
    map.put("tokens", Arrays.stream(written.prompts().get(number)).boxed().toList());
    return map;
  }

  private static Map<String, Object> json(int prompt, TextGenerator.Sample sample) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("prompt", prompt);
    map.putAll(
        SampleJson.of(sample.text(), sample.tokens(), sample.plans(), sample.finishReason()));
    return map;
  }
}
