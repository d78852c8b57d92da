package org.freetransformer.nn;

import org.freetransformer.tensor.DType;
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

  /**
   * Keeps the weights in half the memory from now on, rounded to bf16, for good: this layer then
   * reads them faster and is not trained any more.
   */
  public void narrow() {
    Tensor wide = weight.value();
    Engine engine = wide.engine();
    Tensor narrow = engine.allocate("parameters", DType.BF16, wide.shape());
    engine.emit(new Instruction.Copy(wide.buffer(), Output.to(narrow.buffer())));
    weight.freeze();
    weight.replace(narrow);
  }

  /** Narrows all linear layers among a module's parts. */
  public static void narrowAll(Module module) {
    if (module instanceof Linear linear) {
      linear.narrow();
    }
    module.children().values().forEach(Linear::narrowAll);
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
