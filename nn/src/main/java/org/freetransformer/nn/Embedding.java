package org.freetransformer.nn;

import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.EmbeddingOp;
import org.freetransformer.tensor.ops.MatMulOp;

/** A vector for each token: weight [V, D]. */
public final class Embedding extends Module {
  private final Parameter weight;

  /** A table of new vectors. */
  public Embedding(Engine engine, int vocabulary, int width) {
    weight = parameter("weight", Parameter.weight(engine, vocabulary, width));
  }

  /** tokens i32 [B, T] to [B, T, D]. */
  public Tensor forward(Tensor tokens) {
    return EmbeddingOp.gather(weight.value(), tokens);
  }

  /** The same table as output layer: x [.., D] to logits [.., V]. */
  public Tensor unembed(Tensor x) {
    return MatMulOp.linearInFull(x, weight.value());
  }
}
