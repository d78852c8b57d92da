package org.freetransformer.nn;

import java.util.List;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Recomputation;
import org.jspecify.annotations.Nullable;

/**
 * A pre-norm Llama block: RMSNorm → attention → residual, RMSNorm → SwiGLU → residual. Keys and
 * values may come from an input of their own; the residual stream carries the query input alone.
 */
public final class LlamaBlock extends Module {
  /**
   * The shape of a block.
   *
   * @param attention its attention layer
   * @param inner F, inner size of its feed-forward layer
   * @param normEpsilon added to the mean square in its norms
   * @param normaliseKeyValues whether a separate key-value input is normalised as the query input
   *     is
   */
  public record Config(
      Attention.Config attention, int inner, double normEpsilon, boolean normaliseKeyValues) {}

  private final RmsNorm attentionNorm;
  private final Attention attention;
  private final RmsNorm feedForwardNorm;
  private final SwiGlu feedForward;
  private final boolean normaliseKeyValues;

  /** A block of new weights; a null {@code rope} leaves positions out. */
  public LlamaBlock(Engine engine, Config config, @Nullable Rope rope) {
    int width = config.attention().width();
    attentionNorm = child("attn_norm", new RmsNorm(engine, width, config.normEpsilon()));
    attention = child("", new Attention(engine, config.attention(), rope));
    feedForwardNorm = child("ffn_norm", new RmsNorm(engine, width, config.normEpsilon()));
    feedForward = child("ffn", new SwiGlu(engine, width, config.inner()));
    normaliseKeyValues = config.normaliseKeyValues();
  }

  /** x [B, T, D] to [B, T, D]; every position attends within x. */
  public Tensor forward(Tensor x, Sequence sequence, @Nullable KeyValueCache cache) {
    return Recomputation.of(List.of(x), inputs -> compute(inputs.getFirst(), sequence, cache));
  }

  private Tensor compute(Tensor x, Sequence sequence, @Nullable KeyValueCache cache) {
    Tensor normed = attentionNorm.forward(x);
    return finish(x, attention.forward(normed, normed, sequence, cache));
  }

  /**
   * The same with keys and values from another input.
   *
   * @param x query input and residual stream [B, T, D]
   * @param keyValues key-value input [B, T, D]
   * @return [B, T, D]
   */
  public Tensor forward(
      Tensor x, Tensor keyValues, Sequence sequence, @Nullable KeyValueCache cache) {
    return Recomputation.of(
        List.of(x, keyValues),
        inputs -> compute(inputs.getFirst(), inputs.getLast(), sequence, cache));
  }

  private Tensor compute(
      Tensor x, Tensor keyValues, Sequence sequence, @Nullable KeyValueCache cache) {
    Tensor kv = normaliseKeyValues ? attentionNorm.forward(keyValues) : keyValues;
    return finish(x, attention.forward(attentionNorm.forward(x), kv, sequence, cache));
  }

  private Tensor finish(Tensor x, Tensor attended) {
    Tensor h = x.add(attended);
    return h.add(feedForward.forward(feedForwardNorm.forward(h)));
  }
}
