package org.freetransformer.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;

/** Writes text: draws plans and tokens, one position after the other. */
public final class Generator {
  /** Why a sample ended. */
  public enum FinishReason {
    /** It has as many tokens as were asked for. */
    LENGTH,
    /** It drew a token that ends it. */
    STOP
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
    /** Copies the collections. */
    public Request {
      prompts = List.copyOf(prompts);
      stopTokens = Set.copyOf(stopTokens);
    }
  }

  /**
   * One written sample.
   *
   * @param tokens the new tokens, a stop token among them
   * @param plans the plan of every position, the prompt's first; empty for a baseline
   * @param finishReason why it ended
   */
  public record Sample(List<Integer> tokens, List<Integer> plans, FinishReason finishReason) {}

  /** Is told of every token as it is written. */
  @FunctionalInterface
  public interface TokenListener {
    /** Called in the order of positions, samples in turn. */
    void onToken(int sample, int token);
  }

  private final LanguageModel model;

  /** A writer with a model, which stays the caller's. */
  public Generator(LanguageModel model) {
    this.model = model;
  }

  /** Writes all samples side by side. */
  public List<Sample> generate(Request request) {
    return generate(request, (_, _) -> {});
  }

  /**
   * Writes all samples side by side; the same for the same model, request and seeds.
   *
   * @throws IllegalArgumentException if a prompt is empty or too long, or a plan has too many bits
   */
  public List<Sample> generate(Request request, TokenListener listener) {
    int batch = request.prompts().size();
    if (batch == 0) {
      return List.of();
    }
    int longest = request.prompts().stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    int most = model.config().maxSeqLen();
    int capacity =
        longest > most ? longest : (int) Math.min(most, (long) longest + request.maxTokens());
    try (IncrementalDecoder decoder = new IncrementalDecoder(model, batch, capacity)) {
      return write(request, listener, decoder);
    }
  }

  private List<Sample> write(Request request, TokenListener listener, IncrementalDecoder decoder) {
    int batch = request.prompts().size();
    boolean encode = hasPlan() && request.plans().encodePrompt();
    int[][] promptPlans = encode ? null : drawnPlans(request);
    IncrementalDecoder.Prompted prompted = decoder.prompt(request.prompts(), promptPlans);
    List<Draft> drafts = new ArrayList<>();
    for (int b = 0; b < batch; b++) {
      drafts.add(new Draft(hasPlan() ? prompted.plans()[b] : new int[0]));
    }
    float[][] logits = prompted.logits();
    for (int written = 0; ; written++) {
      int[] tokens = new int[batch];
      int[] plans = new int[batch];
      for (int b = 0; b < batch; b++) {
        Draft draft = drafts.get(b);
        if (draft.isOpen()) {
          int token = request.sampling().choose(logits[b], b, written);
          draft.add(token, planAt(request, b, request.prompts().get(b).length + written));
          draft.finishIfDone(request, decoder.capacity() - request.prompts().get(b).length);
          listener.onToken(b, token);
        }
        tokens[b] = draft.lastToken();
        plans[b] = draft.lastPlan();
      }
      if (drafts.stream().noneMatch(Draft::isOpen)) {
        return drafts.stream().map(Draft::sample).toList();
      }
      logits = decoder.next(tokens, plans);
    }
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
    private final List<Integer> tokens = new ArrayList<>();
    private final List<Integer> plans = new ArrayList<>();
    private FinishReason reason = FinishReason.LENGTH;
    private boolean open = true;
    private int lastPlan;

    Draft(int[] promptPlans) {
      Arrays.stream(promptPlans).forEach(plans::add);
    }

    boolean isOpen() {
      return open;
    }

    void add(int token, int plan) {
      tokens.add(token);
      lastPlan = plan;
      if (hasPlan()) {
        plans.add(plan);
      }
    }

    void finishIfDone(Request request, int room) {
      if (request.stopTokens().contains(tokens.getLast())) {
        reason = FinishReason.STOP;
        open = false;
      } else if (tokens.size() >= Math.min(request.maxTokens(), room)) {
        open = false;
      }
    }

    int lastToken() {
      return tokens.getLast();
    }

    int lastPlan() {
      return lastPlan;
    }

    Sample sample() {
      return new Sample(List.copyOf(tokens), List.copyOf(plans), reason);
    }
  }
}
