package org.freetransformer.train;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.freetransformer.config.ConfigException;
import org.freetransformer.data.Batch;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.PlanLetters;
import org.freetransformer.data.Split;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.generate.Generator;
import org.freetransformer.generate.IncrementalDecoder;
import org.freetransformer.generate.PlanControl;
import org.freetransformer.generate.TextGenerator;
import org.freetransformer.model.LanguageModel;
import org.jspecify.annotations.Nullable;

/**
 * Has a model write while it learns: samples for one prompt, each time with the same draws, so that
 * what differs is what was learned. The draws are none of training's. What decodes is recorded
 * once, and kept.
 */
public final class SampleWriter implements AutoCloseable {
  /** Most tokens of a prompt that is the beginning of a text. */
  private static final int LONGEST_BEGINNING = 32;

  private static final int MOST_NEW_TOKENS = 256;

  /** As ft generate has it where none is given: its text can be had again from a checkpoint. */
  private static final long SEED = 0;

  private final LanguageModel model;
  private final @Nullable AveragedWeights averaged;
  private final Generator generator;
  private final Generator.Request request;
  private final IncrementalDecoder decoder;

  /**
   * A writer with a model, which stays the caller's.
   *
   * @param averaged what is written with, in place of the weights that are trained
   */
  SampleWriter(LanguageModel model, @Nullable AveragedWeights averaged, Generator.Request request) {
    this.model = model;
    this.averaged = averaged;
    this.generator = new Generator(model);
    this.request = request;
    this.decoder = generator.newDecoder(request);
    try {
      evaluating(() -> {
        decoder.prepare(); // Before the first step, so that a device compiles all programs at once.
        return List.of();
      });
    } catch (RuntimeException | Error failure) {
      decoder.close();
      throw failure;
    }
  }

  /**
   * What a run's samples are: {@link SampleConfig#count} of them, up to the length of an example
   * and {@value #MOST_NEW_TOKENS} new tokens, with plans as the encoder infers them of the prompt
   * and the prior gives them after it.
   *
   * @throws ConfigException if {@code sample_prompt} has no tokens, or more than an example
   */
  static Generator.Request request(RunConfig config, Dataset data, Tokenizer tokenizer) {
    String text = config.training().samples().prompt();
    int[] prompt = text.isEmpty() ? beginning(config.data(), data) : encoded(text, tokenizer);
    int length = config.data().sequenceLength();
    if (prompt.length < 1 || prompt.length > length) {
      throw new ConfigException(
          "training.sample_prompt",
          "has %d tokens; allowed are 1 to %d, the tokens of an example"
              .formatted(prompt.length, length));
    }
    return request(config, TextGenerator.stopTokens(tokenizer), prompt);
  }

  /** The largest request that a run can come to whose data and tokenizer are not at hand. */
  public static Generator.Request largestRequest(RunConfig config) {
    int bytes = config.training().samples().prompt().length() * 3; // UTF-8 of a char, at most.
    int length = bytes == 0 ? beginningLength(config.data()) : bytes;
    return request(config, Set.of(), new int[Math.min(length, config.data().sequenceLength())]);
  }

  private static Generator.Request request(RunConfig config, Set<Integer> stops, int... prompt) {
    int room = config.data().sequenceLength() - prompt.length + 1; // The last one is not read.
    return Generator.Request.ofOnePrompt(
        prompt,
        config.training().samples().count(),
        Math.min(MOST_NEW_TOKENS, room),
        PlanControl.prior(SEED).withEncodedPrompt(true),
        stops);
  }

  private static int[] encoded(String prompt, Tokenizer tokenizer) {
    try {
      return tokenizer.encode(prompt);
    } catch (IllegalArgumentException unknown) {
      throw new ConfigException("training.sample_prompt", String.valueOf(unknown.getMessage()));
    }
  }

  private static int beginningLength(DataConfig data) {
    return data.source() == DataConfig.Source.PLAN_LETTERS
        ? PlanLetters.PROMPT
        : Math.clamp(data.sequenceLength() / 2, 1, LONGEST_BEGINNING);
  }

  /** The prompt of the first held-out example, or how its text begins. */
  private static int[] beginning(DataConfig config, Dataset data) {
    int[] tokens = new int[data.length()];
    int[] targets = new int[data.length()];
    data.read(Split.VALIDATION, 0, tokens, targets, 0);
    int most = beginningLength(config);
    if (config.source() == DataConfig.Source.PLAN_LETTERS) {
      return Arrays.copyOf(tokens, most);
    }
    int end = 1;
    while (end < most && targets[end] != Batch.IGNORE) { // A short document ends, and is padded.
      end++;
    }
    return Arrays.copyOf(tokens, end);
  }

  /** The tokens that all samples go on from. */
  public List<Integer> prompt() {
    return Arrays.stream(request.prompts().getFirst()).boxed().toList();
  }

  /**
   * Writes with the model as it is now, without dropout, and with averaged weights if the run has
   * them.
   *
   * @throws IllegalStateException if its logits are not finite
   */
  public List<Generator.Sample> write() {
    return averaged == null
        ? evaluating(this::generate)
        : averaged.during(() -> evaluating(this::generate));
  }

  private List<Generator.Sample> generate() {
    return generator.generate(request, decoder);
  }

  private List<Generator.Sample> evaluating(Supplier<List<Generator.Sample>> work) {
    boolean training = model.isTraining();
    model.train(false);
    try {
      return work.get();
    } finally {
      model.train(training);
    }
  }

  @Override
  public void close() {
    decoder.close();
  }
}
