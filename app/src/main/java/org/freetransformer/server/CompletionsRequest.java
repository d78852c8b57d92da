package org.freetransformer.server;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.generate.TextGenerator;

/**
 * A request for completions, as OpenAI's API and vLLM's say it.
 *
 * @param prompts their texts
 * @param samples of each prompt
 * @param promptTokens of all prompts together
 * @param text what is to be written
 * @param echo whether texts begin with their prompts
 * @param streams whether they are wanted piece by piece
 * @param tellsUsage whether a stream ends with what it took
 * @param tellsPlans whether the plans of all positions are told with each text
 */
record CompletionsRequest(
    List<String> prompts,
    int samples,
    int promptTokens,
    TextGenerator.Request text,
    boolean echo,
    boolean streams,
    boolean tellsUsage,
    boolean tellsPlans) {
  private static final int MAX_TOKENS = 16;
  private static final String NOT_OFFERED = "leave it out";

  /**
   * Reads and checks it.
   *
   * @throws ConfigException if it cannot be done
   * @throws HttpError if it is for another model
   */
  static CompletionsRequest read(ConfigSection body, Served served) {
    requireModel(body.text("model", served.name()), served.name());
    List<String> prompts = body.texts("prompt");
    // Who gives no seed wants another text every time.
    long seed = ThreadLocalRandom.current().nextLong();
    GenerationFields fields = GenerationFields.read(body, served, MAX_TOKENS, seed);
    boolean echo = body.flag("echo", false);
    boolean streams = body.flag("stream", false);
    boolean plans = body.flag("plans", false);
    ConfigSection options = body.section("stream_options");
    boolean usage = options.flag("include_usage", false);
    options.refuseUnknownKeys();
    requireNeutral(body, fields.samples());
    return body.build(() -> {
      requireTellable(plans, streams, served.hasPlan());
      List<int[]> tokens = tokens(prompts, served);
      int count = tokens.stream().mapToInt(prompt -> prompt.length).sum();
      return new CompletionsRequest(
          prompts, fields.samples(), count, fields.request(tokens), echo, streams, usage, plans);
    });
  }

  private static void requireModel(String asked, String name) {
    if (!asked.equals(name)) {
      throw new HttpError(
          HttpError.NOT_FOUND, "model: there is no '%s'; allowed is '%s'".formatted(asked, name));
    }
  }

  private static void requireTellable(boolean plans, boolean streams, boolean hasPlan) {
    if (plans && !hasPlan) {
      throw new ConfigException("plans", "this model is a baseline and has none; leave it out");
    }
    if (plans && streams) {
      throw new ConfigException(
          "plans", "are told with a whole text only; /api/generate streams them");
    }
  }

  private static List<int[]> tokens(List<String> prompts, Served served) {
    if (prompts.isEmpty()) {
      throw new ConfigException("prompt", "is missing; a text or a list of texts is needed");
    }
    int most = GenerationFields.MOST_SAMPLES;
    if (prompts.size() > most) {
      throw new ConfigException(
          "prompt", "a list of %d; allowed are %d".formatted(prompts.size(), most));
    }
    return prompts.stream().map(prompt -> served.tokens("prompt", prompt)).toList();
  }

  /** What is not offered may be there if it changes nothing. */
  private static void requireNeutral(ConfigSection body, int samples) {
    String _ = body.text("user", ""); // Tells who asks, and nothing about the text.
    body.onlyEmpty("logprobs", NOT_OFFERED);
    body.onlyEmpty("suffix", NOT_OFFERED);
    body.onlyEmpty("logit_bias", NOT_OFFERED);
    if (body.integer("best_of", samples) != samples) {
      throw body.notBuilt("best_of", "a choice among more samples than n", NOT_OFFERED);
    }
    for (String penalty : List.of("presence_penalty", "frequency_penalty")) {
      if (body.number(penalty, 0) != 0) {
        throw body.notBuilt(penalty, "this penalty", "repetition_penalty is there");
      }
    }
  }

  /** What a sample's text begins with. */
  String begin(int sample) {
    return echo ? prompts.get(sample / samples) : "";
  }
}
