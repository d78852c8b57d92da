package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.generate.Generator;
import org.freetransformer.generate.SampleText;
import org.freetransformer.generate.Sampling;
import org.freetransformer.generate.StopStrings;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.Linear;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.SavedModel;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.CpuDevice;
import org.freetransformer.tensor.device.Device;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ft generate}: writes text with a saved model. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = "Writes text after a prompt, to plans drawn, inferred, replayed or pinned.")
final class GenerateCommand implements Callable<Integer> {
  private static final int MOST_SAMPLES = 10_000;

  @Mixin private Output output;
  @Mixin private ModelOptions model;
  @Mixin private DeviceOptions device;
  @Mixin private PlanOptions plan;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      required = true,
      description = "What to go on from.")
  private String prompt;

  @Option(names = "--n", paramLabel = "N", description = "Samples to write (default: 1).")
  private int samples = 1;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "New tokens of a sample at most (default: 64).")
  private int maxTokens = 64;

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description = "Divides the logits; 0 takes the likeliest token (default: 1).")
  private double temperature = 1;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Draws from the K likeliest tokens; 0 for all (default: 0).")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Draws from the fewest tokens with probability P together (default: 1).")
  private double topP = 1;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Leaves out tokens less likely than P times the likeliest (default: 0).")
  private double minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description =
          "Above 1, tokens that the prompt or the text has already are less likely; below 1, they"
              + " are likelier (default: 1).")
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

  /** How linear weights are held. */
  enum Weights {
    F32,
    BF16,
    INT8
  }

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      description =
          "f32, or linear weights in less memory, which is read faster: bf16, rounded, or int8,"
              + " in steps of a scale for each output (default: f32).")
  private Weights weights = Weights.F32;

  @Option(
      names = "--save-plan",
      paramLabel = "FILE",
      description = "Writes the first sample's plan to a file that --plan replays.")
  private @Nullable Path savePlan;

  @Override
  public Integer call() throws IOException {
    Limits.between("--n", samples, 1, MOST_SAMPLES);
    Limits.between("--max-tokens", maxTokens, 1, Integer.MAX_VALUE);
    Sampling sampling = new Sampling(temperature, topK, topP, minP, repetitionPenalty, seed);
    StopStrings stopStrings = new StopStrings(stops);
    print(model.use(output, saved -> write(saved, sampling, stopStrings)));
    return 0;
  }

  /** A sample with its text, and in a word why that ended. */
  private record Written(Generator.Sample sample, String text, String finishReason) {}

  private List<Written> write(SavedModel saved, Sampling sampling, StopStrings stopStrings) {
    plan.requireFitting(saved.config(), savePlan != null);
    Tokenizer tokenizer = Tokenizer.of(saved.dataConfig(output::note));
    List<int[]> prompts = Collections.nCopies(samples, tokenizer.encode(prompt));
    Generator.Request request =
        new Generator.Request(
            prompts, maxTokens, sampling, plan.control(seed), endOfText(tokenizer));
    try (Engine engine = device.open();
        LanguageModel loaded = saved.load(engine)) {
      requireOfferedBy(engine.device());
      switch (weights) {
        case F32 -> {}
        case BF16 -> Linear.narrowAll(loaded, DType.BF16);
        case INT8 -> Linear.narrowAll(loaded, DType.I8);
      }
      return write(new Generator(loaded), request, tokenizer, stopStrings);
    }
  }

  private static List<Written> write(
      Generator generator,
      Generator.Request request,
      Tokenizer tokenizer,
      StopStrings stopStrings) {
    List<SampleText> texts =
        request.prompts().stream().map(_ -> new SampleText(tokenizer, stopStrings)).toList();
    List<Generator.Sample> samples =
        generator.generate(
            request,
            (sample, token) ->
                stopStrings.strings().isEmpty()
                    || request.stopTokens().contains(token)
                    || texts.get(sample).add(token));
    return IntStream.range(0, texts.size())
        .mapToObj(i -> written(samples.get(i), texts.get(i), tokenizer))
        .toList();
  }

  private static Written written(Generator.Sample sample, SampleText text, Tokenizer tokenizer) {
    text.finish();
    return text.isStopped()
        ? new Written(sample, text.text(), "stop_string")
        : new Written(
            sample,
            textOf(sample, tokenizer),
            sample.finishReason().name().toLowerCase(Locale.ROOT));
  }

  private void requireOfferedBy(Device chosen) {
    if (weights == Weights.INT8 && !(chosen instanceof CpuDevice)) {
      throw new ConfigException(
          "--weights",
          "int8 is not offered on %s; allowed are f32 and bf16, or --device cpu"
              .formatted(chosen.name()));
    }
  }

  private void print(List<Written> written) throws IOException {
    if (savePlan != null) {
      Map<String, Object> first = Map.of("plan", written.getFirst().sample().plans());
      OutputFiles.write(savePlan, Output.toJson(first) + "\n");
    }
    StringBuilder text = new StringBuilder();
    for (Written one : written) {
      text.append(prompt).append(one.text()).append('\n');
    }
    List<Map<String, Object>> objects = written.stream().map(GenerateCommand::json).toList();
    output.result(Map.of("samples", objects), text.toString());
  }

  /** A text ends where the next would begin. */
  private static Set<Integer> endOfText(Tokenizer tokenizer) {
    OptionalInt end = tokenizer.endOfText();
    return end.isPresent() ? Set.of(end.getAsInt()) : Set.of();
  }

  private static Map<String, Object> json(Written written) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("text", written.text());
    map.put("tokens", written.sample().tokens());
    map.put("plan", written.sample().plans());
    map.put("finish_reason", written.finishReason());
    return map;
  }

  private static String textOf(Generator.Sample sample, Tokenizer tokenizer) {
    // The token that ended it stands for no text.
    boolean ended = sample.finishReason() == Generator.FinishReason.STOP;
    int count = sample.tokens().size() - (ended ? 1 : 0);
    return tokenizer.decode(
        sample.tokens().stream().limit(count).mapToInt(Integer::intValue).toArray());
  }
}
