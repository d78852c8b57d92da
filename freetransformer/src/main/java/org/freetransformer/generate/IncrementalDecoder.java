package org.freetransformer.generate;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.PlanPosterior;
import org.freetransformer.nn.KeyValueCache;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ExampleRandom;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.EmbeddingOp;
import org.jspecify.annotations.Nullable;

/**
 * Reads prompts at once, then one token a row and step, keeping every block's keys and values. The
 * step is a recorded program, so that a token costs neither allocation nor set-up.
 */
public final class IncrementalDecoder implements AutoCloseable {
  /**
   * What reading the prompts gave.
   *
   * @param logits of each row's next token, [B][V]
   * @param plans of each row's prompt, [B][its length]; empty arrays for a baseline
   */
  @SuppressWarnings("ArrayRecordComponent") // Handed to the caller once; equality means nothing.
  public record Prompted(float[][] logits, int[][] plans) {}

  /** In place of a token: its row stays as it is. */
  public static final int IDLE = -1;

  private final LanguageModel model;
  private final Engine engine;
  private final int batch;
  private final int capacity;
  private final int heads;
  private final int[] lengths;
  private final List<KeyValueCache> caches;
  private final List<Tensor> inputs = new ArrayList<>();
  private final Tensor tokens;
  private final Tensor plans;
  private final Tensor positions;
  private final Tensor slots;
  private final Tensor cachedLengths;
  private final int[] newPositions;
  private final int[] newSlots;
  private @Nullable Step step;

  /**
   * The program that reads a token into every row.
   *
   * @param rows its logits, one tensor [V] a row
   * @param logits [B][V], where they are copied to after every run
   * @param targets the same memory
   */
  @SuppressWarnings("ArrayRecordComponent") // Overwritten at every step; equality means nothing.
  private record Step(
      Program program, List<Tensor> rows, float[][] logits, List<MemorySegment> targets) {
    static Step of(Program program, int batch, int vocabulary) {
      Tensor all = program.outputs().getFirst().reshape(batch, vocabulary);
      List<Tensor> rows = new ArrayList<>();
      List<MemorySegment> targets = new ArrayList<>();
      float[][] logits = new float[batch][vocabulary];
      for (int b = 0; b < batch; b++) {
        rows.add(all.narrow(0, b, 1));
        targets.add(MemorySegment.ofArray(logits[b]));
      }
      return new Step(program, List.copyOf(rows), logits, List.copyOf(targets));
    }

    void run() {
      program.run();
      for (int b = 0; b < logits.length; b++) {
        rows.get(b).copyTo(targets.get(b));
      }
    }
  }

  /**
   * A decoder for {@code batch} rows of at most {@code capacity} tokens each.
   *
   * @throws IllegalArgumentException if the capacity is not in 1..max_seq_len
   */
  public IncrementalDecoder(LanguageModel model, int batch, int capacity) {
    int most = model.config().maxSeqLen();
    if (capacity < 1 || capacity > most) {
      throw new IllegalArgumentException(
          "%d tokens: this model takes 1 to %d (max_seq_len)".formatted(capacity, most));
    }
    this.model = model;
    this.engine = model.engine();
    this.batch = batch;
    this.capacity = capacity;
    this.heads = model.config().numKvHeads();
    this.lengths = new int[batch];
    this.newPositions = new int[batch];
    this.newSlots = new int[batch * heads];
    this.caches = model.newCaches(batch, capacity);
    try {
      this.tokens = input(batch, 1);
      this.plans = input(batch, 1);
      this.positions = input(batch, 1);
      this.slots = input(batch * heads);
      this.cachedLengths = input(batch);
    } catch (RuntimeException | Error failure) {
      inputs.forEach(Tensor::close);
      caches.forEach(KeyValueCache::close);
      throw failure;
    }
  }

  private Tensor input(int... dims) {
    Tensor input = engine.allocate("inputs", DType.I32, Shape.of(dims));
    inputs.add(input);
    return input;
  }

  /** Tokens that a row holds. */
  public int length(int row) {
    return lengths[row];
  }

  /** Most tokens that a row can hold. */
  public int capacity() {
    return capacity;
  }

  /**
   * Forgets a row's tokens from a length on: what is read next follows the others, so that several
   * continuations, or plans, can be tried from one prefix.
   *
   * @param length 1 to the row's length
   * @throws IllegalArgumentException if the row does not hold so many tokens
   */
  public void truncate(int row, int length) {
    if (length < 1 || length > lengths[row]) {
      throw new IllegalArgumentException(
          "row %d holds %d tokens: %d of them cannot stay".formatted(row, lengths[row], length));
    }
    lengths[row] = length;
  }

  /**
   * Reads a prompt into every row.
   *
   * @param prompts B prompts of 1 to capacity tokens
   * @param given a plan for every token; null for a baseline, which takes none
   * @throws IllegalArgumentException if a prompt is empty, too long, or has not as many plans as
   *     tokens, or the model knows no such token or plan
   */
  public Prompted prompt(List<int[]> prompts, int @Nullable [][] given) {
    return read(prompts, given, null, false);
  }

  /**
   * Reads a prompt into every row, with plans that the encoder infers (the paper's prefill).
   *
   * @param prompts B prompts of 1 to capacity tokens
   * @param random draws the plans; those of a row depend on nothing in the other rows
   * @param shared whether rows of one prompt get the plans of the first of them instead
   * @throws IllegalArgumentException if a prompt is empty or too long, or the model knows no such
   *     token
   */
  public Prompted promptInferred(List<int[]> prompts, ExampleRandom random, boolean shared) {
    return read(prompts, null, random, shared);
  }

  private Prompted read(
      List<int[]> prompts,
      int @Nullable [][] given,
      @Nullable ExampleRandom inference,
      boolean shared) {
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(0);
    requirePrompts(prompts, given);
    try (Scope _ = engine.scope("activations");
        Engine.Mode _ = engine.noGrad()) {
      Tensor ids = padded(prompts, longest);
      Tensor chosen = given == null ? null : padded(Arrays.asList(given), longest);
      Tensor rows = engine.tensor(promptSlots(prompts, longest), batch * longest * heads);
      int[] counts = prompts.stream().mapToInt(prompt -> prompt.length).toArray();
      int[] places = new int[longest];
      Arrays.setAll(places, t -> t);
      Sequence sequence =
          Sequence.prompt(engine.tensor(places, longest), engine.tensor(counts, batch), rows);
      Tensor hidden;
      int[][] used = given == null ? new int[batch][0] : given;
      if (model instanceof FreeTransformer free && inference != null) {
        Tensor x = free.firstHalf(ids, sequence, caches);
        int[] drawn = new PlanPosterior(free.planLogits(x, sequence)).draw(inference, 0);
        if (shared) {
          share(drawn, prompts, longest);
        }
        hidden = free.secondHalf(x, engine.tensor(drawn, batch, longest), sequence, caches);
        used = cut(drawn, counts, longest);
      } else {
        hidden = model.hidden(ids, chosen, sequence, caches);
      }
      System.arraycopy(counts, 0, lengths, 0, batch);
      return new Prompted(lastLogits(hidden, counts, longest), used);
    }
  }

  /** Gives every row the plans of the first row that has its prompt. */
  private static void share(int[] plans, List<int[]> prompts, int width) {
    Map<List<Integer>, Integer> firstRows = new HashMap<>();
    for (int b = 0; b < prompts.size(); b++) {
      List<Integer> prompt = Arrays.stream(prompts.get(b)).boxed().toList();
      Integer first = firstRows.putIfAbsent(prompt, b);
      if (first != null) {
        System.arraycopy(plans, first * width, plans, b * width, width);
      }
    }
  }

  private void requirePrompts(List<int[]> prompts, int @Nullable [][] given) {
    if (prompts.size() != batch || (given != null && given.length != batch)) {
      throw new IllegalArgumentException(
          "%d prompts with %s plans for %d rows"
              .formatted(prompts.size(), given == null ? "no" : given.length, batch));
    }
    for (int b = 0; b < batch; b++) {
      int length = prompts.get(b).length;
      if (length < 1 || length > capacity) {
        throw new IllegalArgumentException(
            "prompt %d has %d tokens: allowed are 1 to %d".formatted(b, length, capacity));
      }
      if (given != null && given[b].length != length) {
        throw new IllegalArgumentException(
            "prompt %d has %d plans for %d tokens".formatted(b, given[b].length, length));
      }
      for (int t = 0; t < length; t++) {
        requireKnown("prompt", b, prompts.get(b)[t], given == null ? 0 : given[b][t]);
      }
    }
  }

  /** What is beyond a table would be read as something else. */
  private void requireKnown(String what, int row, int token, int plan) {
    int vocabulary = model.config().vocabSize();
    if (token < 0 || token >= vocabulary) {
      throw new IllegalArgumentException(
          "%s %d: there is no token %d; allowed are 0 to %d"
              .formatted(what, row, token, vocabulary - 1));
    }
    int most = (1 << model.config().latentDim()) - 1;
    if (model instanceof FreeTransformer && (plan < 0 || plan > most)) {
      throw new IllegalArgumentException(
          "%s %d: there is no plan %d; allowed are 0 to %d".formatted(what, row, plan, most));
    }
  }

  private Tensor padded(List<int[]> rows, int width) {
    int[] all = new int[batch * width];
    for (int b = 0; b < batch; b++) {
      System.arraycopy(rows.get(b), 0, all, b * width, rows.get(b).length);
    }
    return engine.tensor(all, batch, width);
  }

  /** A padding token's keys go to the row of a later token, which overwrites them in time. */
  private int[] promptSlots(List<int[]> prompts, int width) {
    int[] rows = new int[batch * width * heads];
    for (int b = 0; b < prompts.size(); b++) {
      for (int t = 0; t < width; t++) {
        for (int h = 0; h < heads; h++) {
          rows[(b * width + t) * heads + h] = cacheRow(b, t, h);
        }
      }
    }
    return rows;
  }

  private int cacheRow(int b, int s, int head) {
    return KeyValueCache.row(b, s, head, heads, capacity);
  }

  private static int[][] cut(int[] all, int[] counts, int width) {
    int[][] rows = new int[counts.length][];
    for (int b = 0; b < counts.length; b++) {
      rows[b] = Arrays.copyOfRange(all, b * width, b * width + counts[b]);
    }
    return rows;
  }

  private float[][] lastLogits(Tensor hidden, int[] counts, int width) {
    int[] last = new int[batch];
    Arrays.setAll(last, b -> b * width + counts[b] - 1);
    Tensor rows = hidden.reshape(batch * width, hidden.dim(2));
    Tensor ends = EmbeddingOp.gather(rows, engine.tensor(last, batch));
    return split(model.logits(ends).toFloats());
  }

  private float[][] split(float[] flat) {
    if (batch == 1) {
      return new float[][] {flat};
    }
    int vocabulary = model.config().vocabSize();
    float[][] rows = new float[batch][];
    Arrays.setAll(rows, b -> Arrays.copyOfRange(flat, b * vocabulary, (b + 1) * vocabulary));
    return rows;
  }

  /**
   * Reads one more token into every row that is not {@link #IDLE}.
   *
   * @param newTokens [B]
   * @param newPlans [B], the plan of each token; ignored by a baseline
   * @return logits of each row's next token, [B][V], in arrays that the next call overwrites; those
   *     of an idle row mean nothing
   * @throws IllegalStateException if a row has no prompt, or is full
   * @throws IllegalArgumentException if the model knows no such token or plan; no row has changed
   *     then
   */
  public float[][] next(int[] newTokens, int[] newPlans) {
    tokens.set(newTokens);
    plans.set(newPlans);
    for (int b = 0; b < batch; b++) {
      if (newTokens[b] != IDLE) {
        requireKnown("row", b, newTokens[b], newPlans[b]);
      }
    }
    advance(newTokens);
    Step now = step();
    now.run();
    return now.logits();
  }

  /** Records the step, which else happens with the first token after the prompts. */
  public void prepare() {
    step();
  }

  private Step step() {
    Step now = step;
    if (now == null) {
      now = Step.of(recordStep(), batch, model.config().vocabSize());
      step = now;
    }
    return now;
  }

  /** Gives each token its position and its cache row; idle ones, which no one reads, get none. */
  private void advance(int[] newTokens) {
    for (int b = 0; b < batch; b++) {
      if (lengths[b] == 0) {
        throw new IllegalStateException("row %d holds no prompt".formatted(b));
      }
      boolean idle = newTokens[b] == IDLE;
      if (!idle && lengths[b] == capacity) {
        throw new IllegalStateException(
            "row %d is full: it holds %d tokens".formatted(b, capacity));
      }
      newPositions[b] = idle ? 0 : lengths[b];
      for (int h = 0; h < heads; h++) {
        newSlots[b * heads + h] = idle ? KeyValueCache.NO_ROW : cacheRow(b, lengths[b], h);
      }
    }
    for (int b = 0; b < batch; b++) {
      lengths[b] += newTokens[b] == IDLE ? 0 : 1;
    }
    positions.set(newPositions);
    slots.set(newSlots);
    cachedLengths.set(lengths);
  }

  private Program recordStep() {
    try (Engine.Mode _ = engine.noGrad()) {
      return Program.record(
          engine,
          () -> {
            Sequence sequence = Sequence.next(positions, slots, cachedLengths);
            return List.of(model.logits(model.hidden(tokens, plans, sequence, caches)));
          });
    }
  }

  @Override
  public void close() {
    if (step != null) {
      step.program().close();
    }
    caches.forEach(KeyValueCache::close);
    inputs.forEach(Tensor::close);
  }
}
