package org.freetransformer.nn;

import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.AttentionOp;
import org.freetransformer.tensor.ops.DropoutOp;
import org.jspecify.annotations.Nullable;

/**
 * Grouped-query attention with rotary positions. Queries and keys may come from different inputs,
 * as the plan's injection and the plan's encoder need it. Without a cache: {@code
 * wo(softmax(q·kᵀ/√Dh)·v)}.
 */
public final class Attention extends Module {
  /**
   * The shape of an attention layer.
   *
   * @param width D
   * @param heads query heads; D/heads = Dh
   * @param keyValueHeads a divisor of {@code heads}
   * @param weightDropout rate on the attention weights
   * @param outputDropout rate on the result, before the residual
   */
  public record Config(
      int width, int heads, int keyValueHeads, double weightDropout, double outputDropout) {
    /** Dh, the size of a head. */
    public int headSize() {
      return width / heads;
    }
  }

  private final Config config;
  private final @Nullable Rope rope;
  private final Linear wq;
  private final Linear wk;
  private final Linear wv;
  private final Linear wo;

  /** A layer of new weights; a null {@code rope} leaves positions out. */
  Attention(Engine engine, Config config, @Nullable Rope rope) {
    this.config = config;
    this.rope = rope;
    int keyValueWidth = config.keyValueHeads() * config.headSize();
    wq = child("wq", new Linear(engine, config.width(), config.width()));
    wk = child("wk", new Linear(engine, config.width(), keyValueWidth));
    wv = child("wv", new Linear(engine, config.width(), keyValueWidth));
    wo = child("wo", new Linear(engine, config.width(), config.width()));
  }

  /**
   * Attends from one input to another.
   *
   * @param queryInput [B, T, D], normalised
   * @param keyValueInput [B, T, D], normalised
   * @param sequence where the tokens stand
   * @param cache keys and values of earlier tokens, to which this pass adds its own; null if the
   *     sequence has no slots
   * @return [B, T, D], for a residual stream
   * @throws IllegalArgumentException if there are slots without a cache, or a cache without slots
   */
  public Tensor forward(
      Tensor queryInput, Tensor keyValueInput, Sequence sequence, @Nullable KeyValueCache cache) {
    // All three products first: a device may compute them together.
    Tensor q = heads(wq.forward(queryInput), config.heads());
    Tensor k = heads(wk.forward(keyValueInput), config.keyValueHeads());
    Tensor v = heads(wv.forward(keyValueInput), config.keyValueHeads());
    q = rotated(q, sequence);
    k = rotated(k, sequence);
    Tensor slots = sequence.slots();
    if ((cache == null) != (slots == null)) {
      throw new IllegalArgumentException(
          cache == null
              ? "slots without a cache to write to"
              : "a cache without slots to write to");
    }
    Tensor keyLengths = sequence.causal() ? null : sequence.tokenCounts();
    if (cache != null && slots != null) {
      cache.append(k, v, slots);
      if (sequence.cachedLengths() != null) {
        k = cache.keys();
        v = cache.values();
        keyLengths = sequence.cachedLengths();
      }
    }
    double dropout = isTraining() ? config.weightDropout() : 0;
    Tensor mixed = AttentionOp.attention(q, k, v, sequence.causal(), keyLengths, dropout);
    Tensor y = wo.forwardInFull(mixed.reshape(q.dim(0), q.dim(1), config.width()));
    return isTraining() ? DropoutOp.dropout(y, config.outputDropout()) : y;
  }

  private Tensor heads(Tensor x, int count) {
    return x.reshape(x.dim(0), x.dim(1), count, config.headSize());
  }

  private Tensor rotated(Tensor x, Sequence sequence) {
    return rope == null ? x : rope.forward(x, sequence.positions());
  }
}
