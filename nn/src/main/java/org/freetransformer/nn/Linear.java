package org.freetransformer.nn;

import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.MatMulOp;

/**
 * A linear layer without bias: {@code y = x·weightᵀ}, x [.., in], weight [out, in], y [.., out].
 */
public final class Linear extends Module {
  private final Parameter weight;

  /** A layer of new weights. */
  public Linear(Engine engine, int in, int out) {
    weight = parameter("weight", Parameter.weight(engine, out, in));
  }

  /** x [.., in] to [.., out]. */
  public Tensor forward(Tensor x) {
    return MatMulOp.linear(x, weight.value());
  }

  /** The same, in full precision: for what enters the residual stream, a loss or the plan. */
  public Tensor forwardInFull(Tensor x) {
    return MatMulOp.linearInFull(x, weight.value());
  }
}
