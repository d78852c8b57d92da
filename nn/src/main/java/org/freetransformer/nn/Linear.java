package org.freetransformer.nn;

import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
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

  /** Draws the weights of one output anew. */
  void redrawOutput(int output) {
    Tensor value = weight.value();
    Engine engine = value.engine();
    try (Scope _ = engine.scope("redraw");
        Engine.Mode _ = engine.noGrad()) {
      Tensor row =
          engine.normal(value.dtype(), Shape.of(1, value.dim(1)), 0, Parameter.INITIAL_DEVIATION);
      engine.emit(
          new Instruction.Copy(row.buffer(), Output.to(value.narrow(0, output, 1).buffer())));
    }
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
