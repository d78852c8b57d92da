package org.freetransformer.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.PlanPosterior;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ExampleRandom;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Writes text: draws plans and tokens, one position after the other. */
public final class Generator {
  /** Why a sample ended. */
  public enum FinishReason {
    /** It has as many tokens as were asked for. */
    LENGTH,
    /** It drew a token that ends it. */
    STOP,
    /** Its listener ended it. */
    LISTENER
  }

  /**
   * What to write.
   *
   * @param prompts a prompt for each sample, of 1 to max_seq_len tokens; lengths may differ
   * @param maxTokens most new tokens of a sample, 1 or more
   * @param sampling how tokens are chosen
   * @param plans which plans they are written to
   * @param stopTokens tokens that end a sample
   */
  public record Request(
      List<int[]> prompts,
      int maxTokens,
      Sampling sampling,
      PlanControl plans,
      Set<Integer> stopTokens) {
    /**
     * Copies the collections.
     *
     * @throws IllegalArgumentException if {@code maxTokens} is not positive
     */
    public Request {
      if (maxTokens < 1) {
        throw new IllegalArgumentException(
            "%d new tokens: allowed are 1 or more".formatted(maxTokens));
      }
      prompts = List.copyOf(prompts);
      stopTokens = Set.copyOf(stopTokens);
    }

    /** The same with another number of new tokens. */
    public Request withMaxTokens(int most) {
      return new Request(prompts, most, sampling, plans, stopTokens);
    }

    /** Several samples for one prompt, their tokens drawn plainly with the seed of their plans. */
    public static Request ofOnePrompt(
        int[] prompt, int samples, int maxTokens, PlanControl plans, Set<Integer> stopTokens) {
      return new Request(
          Collections.nCopies(samples, prompt),
          maxTokens,
          Sampling.plain(plans.seed()),
          plans,
          stopTokens);
    }
  }

  /**
   * One written sample.
   *
   * @param tokens the new tokens, the one that ended it among them
   * @param plans the plan of every position, the prompt's first; empty for a baseline
   * @param finishReason why it ended
   */
  public record Sample(List<Integer> tokens, List<Integer> plans, FinishReason finishReason) {}

  /**
   * A token that was just written.
   *
   * @param sample number of its sample
   * @param id the token
   * @param plan the plan of its position; 0 for a baseline
   * @param ends why the sample ends with it, or null if it does not; where the listener ends it
   *     too, {@link FinishReason#STOP} stays its reason and {@link FinishReason#LENGTH} does not
   */
  public record Token(int sample, int id, int plan, @Nullable FinishReason ends) {}

  /** Is told of every token as it is written, and may end its sample. */
  @FunctionalInterface
  public interface TokenListener {
    /**
     * Called in the order of positions, samples in turn; with a stop token, too. What it throws
     * ends all samples, and is thrown on.
     *
     * @return whether the sample goes on, if nothing else ends it
     */
    boolean onToken(Token token);
  }

  private static final TokenListener GOES_ON = _ -> true;

  /** Purpose of the draws of a prompt's inferred plans. */
  private static final String INFERRED = "inferred plans of prompts";

  private final LanguageModel model;

  /** A writer with a model, which stays the caller's. */
  public Generator(LanguageModel model) {
    this.model = model;
  }

  /**
   * What the encoder infers about the plans of a text, from all of it.
   *
   * @param tokens 1 to max_seq_len tokens
   * @throws IllegalArgumentException if there are none or too many, or the model does not know one;
   *     or if it is a baseline
   */
  public PlanPosterior infer(int... tokens) {
    if (!(model instanceof FreeTransformer free)) {
      throw new IllegalArgumentException("a baseline has no plan to infer");
    }
    requirePrompts(List.of(tokens));
    Engine engine = model.engine();
    try (Scope _ = engine.scope("activations");
        Engine.Mode _ = engine.noGrad()) {
      int[] places = new int[tokens.length];
      Arrays.setAll(places, t -> t);
      Sequence sequence = Sequence.whole(engine.tensor(places, places.length));
      Tensor x = free.firstHalf(engine.tensor(tokens, 1, tokens.length), sequence, null);
      return new PlanPosterior(free.planLogits(x, sequence));
    }
  }

  /** What draws the inferred plans of prompts from their posteriors: sample b's as example b. */
  public static ExampleRandom inferredPlans(long seed) {
    return new ExampleRandom(seed, INFERRED);
  }

  /** Writes all samples side by side. */
  public List<Sample> generate(Request request) {
    return generate(request, GOES_ON);
  }

  /**
   * Writes all samples side by side; the same for the same model, request and seeds. A sample ends
   * at {@code max_seq_len} at the latest.
   *
   * @throws IllegalArgumentException if a prompt is empty, too long or has a token that the model
   *     does not know, or a plan has too many bits
   * @throws IllegalStateException if the model's logits are not finite
   */
  public List<Sample> generate(Request request, TokenListener listener) {
    if (request.prompts().isEmpty()) {
      return List.of();
    }
    try (IncrementalDecoder decoder = newDecoder(request)) {
      return write(request, listener, decoder);
    }
  }

  /**
   * Writes all samples side by side with a decoder of the caller's, for whoever writes more than
   * once.
   *
   * @param decoder from {@link #newDecoder} for as many samples; what it holds is replaced
   * @throws IllegalArgumentException also if a prompt is longer than what it has room for
   */
  public List<Sample> generate(Request request, IncrementalDecoder decoder) {
    requirePrompts(request.prompts());
    return write(request, GOES_ON, decoder);
  }

  /**
   * A decoder with room for a request of at least one sample.
   *
   * @throws IllegalArgumentException if a prompt is empty, too long or has a token that the model
   *     does not know
   */
  public IncrementalDecoder newDecoder(Request request) {
    requirePrompts(request.prompts());
    int longest = request.prompts().stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    long wanted = (long) longest + request.maxTokens();
    int capacity = (int) Math.min(model.config().maxSeqLen(), wanted);
    return new IncrementalDecoder(model, request.prompts().size(), capacity);
  }

  private void requirePrompts(List<int[]> prompts) {
    int longest = model.config().maxSeqLen();
    int vocabulary = model.config().vocabSize();
    for (int b = 0; b < prompts.size(); b++) {
      int[] prompt = prompts.get(b);
      if (prompt.length < 1 || prompt.length > longest) {
        throw new IllegalArgumentException(
            "prompt %d has %d tokens: this model takes 1 to %d (max_seq_len)"
                .formatted(b, prompt.length, longest));
      }
      for (int token : prompt) {
        if (token < 0 || token >= vocabulary) {
          throw new IllegalArgumentException(
              "prompt %d has token %d: this model's tokens are 0 to %d (vocab_size)"
                  .formatted(b, token, vocabulary - 1));
        }
      }
    }
  }

  private List<Sample> write(Request request, TokenListener listener, IncrementalDecoder decoder) {
    IncrementalDecoder.Prompted prompted = read(request, decoder);
    int batch = request.prompts().size();
    Sampler sampler = new Sampler(request.sampling());
    List<Draft> drafts = new ArrayList<>();
    for (int b = 0; b < batch; b++) {
      drafts.add(new Draft(request, sampler, b, decoder.capacity(), prompted.plans()[b]));
    }
    float[][] logits = prompted.logits();
    int[] tokens = new int[batch];
    int[] plans = new int[batch];
    while (true) {
      Arrays.fill(tokens, IncrementalDecoder.IDLE);
      for (Draft draft : drafts) {
        if (draft.isOpen()) {
          draft.write(logits[draft.sample], listener);
        }
        if (draft.isOpen()) {
          tokens[draft.sample] = draft.tokens.getLast();
          plans[draft.sample] = draft.lastPlan;
        }
      }
      if (drafts.stream().noneMatch(Draft::isOpen)) {
        return drafts.stream().map(Draft::finished).toList();
      }
      logits = decoder.next(tokens, plans);
    }
  }

  private IncrementalDecoder.Prompted read(Request request, IncrementalDecoder decoder) {
    int[][] drawn = hasPlan() ? drawnPlans(request) : null; // Also checks what is pinned, replayed.
    return request.plans().encodePrompt()
        ? decoder.promptInferred(
            request.prompts(), inferredPlans(request.plans().seed()), request.plans().shared())
        : decoder.prompt(request.prompts(), drawn);
  }

  private boolean hasPlan() {
    return model instanceof FreeTransformer;
  }

  private int[][] drawnPlans(Request request) {
    int[][] plans = new int[request.prompts().size()][];
    for (int b = 0; b < plans.length; b++) {
      int sample = b;
      plans[b] = new int[request.prompts().get(b).length];
      Arrays.setAll(plans[b], t -> planAt(request, sample, t));
    }
    return plans;
  }

  private int planAt(Request request, int sample, int position) {
    return hasPlan() ? request.plans().at(sample, position, model.config().latentDim()) : 0;
  }

  /** A sample while it is written. */
  private final class Draft {
    private final Request request;
    private final Sampler sampler;
    private final int sample;
    private final int promptLength;
    private final int mostTokens;
    private final List<Integer> tokens = new ArrayList<>();
    private final List<Integer> plans = new ArrayList<>();
    private final BitSet seen = new BitSet();
    private @Nullable FinishReason reason;
    private int lastPlan;

    Draft(Request request, Sampler sampler, int sample, int capacity, int... promptPlans) {
      this.request = request;
      this.sampler = sampler;
      this.sample = sample;
      this.promptLength = request.prompts().get(sample).length;
      // The last token is not read, so that it needs no room.
      this.mostTokens = Math.min(request.maxTokens(), capacity - promptLength + 1);
      Arrays.stream(request.prompts().get(sample)).forEach(seen::set);
      Arrays.stream(promptPlans).forEach(plans::add);
    }

    boolean isOpen() {
      return reason == null;
    }

    /** Chooses the next token, and the plan that what follows it is written to. */
    void write(float[] logits, TokenListener listener) {
      int number = tokens.size();
      int token = sampler.choose(logits, seen, sample, number);
      tokens.add(token);
      seen.set(token);
      lastPlan = planAt(request, sample, promptLength + number);
      if (hasPlan()) {
        plans.add(lastPlan);
      }
      FinishReason ends =
          request.stopTokens().contains(token)
              ? FinishReason.STOP
              : tokens.size() == mostTokens ? FinishReason.LENGTH : null;
      boolean goesOn = listener.onToken(new Token(sample, token, lastPlan, ends));
      reason = goesOn || ends == FinishReason.STOP ? ends : FinishReason.LISTENER;
    }

    Sample finished() {
      return new Sample(List.copyOf(tokens), List.copyOf(plans), Objects.requireNonNull(reason));
    }
  }
}
