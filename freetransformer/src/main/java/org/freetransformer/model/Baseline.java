package org.freetransformer.model;

import java.util.List;
import org.freetransformer.nn.KeyValueCache;
import org.freetransformer.nn.Linear;
import org.freetransformer.nn.LlamaBlock;
import org.freetransformer.nn.RmsNorm;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The same Llama-style decoder without a plan: what the Free Transformer is compared with. */
public final class Baseline extends LanguageModel {
  private final List<LlamaBlock> blocks;
  private final RmsNorm norm;
  private final @Nullable Linear output;

  /** A model with new weights, drawn from the engine's random stream. */
  public Baseline(Engine engine, ModelConfig config) {
    super(engine, config);
    try (Engine.Mode _ = engine.deferParameters()) {
      blocks = blocks("blocks", config.numLayers());
      norm = finalNorm();
      output = untiedOutput();
    }
    allocateParameters();
  }

  @Override
  public Tensor hidden(
      Tensor tokens,
      @Nullable Tensor plans,
      Sequence sequence,
      @Nullable List<KeyValueCache> caches) {
    Tensor x = tokenEmbedding.forward(tokens);
    return norm.forward(through(blocks, x, sequence, caches, 0));
  }

  @Override
  public Tensor logits(Tensor hidden) {
    return output == null ? tokenEmbedding.unembed(hidden) : output.forwardInFull(hidden);
  }
}
