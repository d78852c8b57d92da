package org.freetransformer.nn;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.ops.MatMulOp;
import org.freetransformer.tensor.ops.QuantizedLinearOp;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer without bias: {@code y = x·weightᵀ}, x [.., in], weight [out, in], y [.., out].
 */
public final class Linear extends Module {
  private final Parameter weight;
  private QuantizedLinearOp.@Nullable Weight quantized;

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
   * Holds the weights in fewer bits from now on, for good: this layer then reads them faster and is
   * not trained any more.
   *
   * @param type {@link DType#BF16}, rounded, or {@link DType#I8}, in steps of a scale for each
   *     output
   * @throws IllegalArgumentException for another type
   * @throws IllegalStateException if they are held in fewer bits already
   */
  public void holdAs(DType type) {
    Tensor wide = weight.value();
    if (wide.dtype() != DType.F32) {
      throw new IllegalStateException(
          "these weights are held as %s already".formatted(wide.dtype()));
    }
    Engine engine = wide.engine();
    Tensor narrow;
    switch (type) {
      case BF16 -> {
        narrow = engine.allocate("parameters", DType.BF16, wide.shape());
        engine.emit(new Instruction.Copy(wide.buffer(), Output.to(narrow.buffer())));
      }
      case I8 -> {
        quantized = QuantizedLinearOp.quantize("parameters", wide);
        narrow = quantized.steps();
      }
      default -> throw new IllegalArgumentException("weights are held as BF16 or I8, not " + type);
    }
    weight.freeze();
    weight.replace(narrow);
  }

  /** Does the same with all linear layers among a module's parts. */
  public static void holdAllAs(Module module, DType type) {
    if (module instanceof Linear linear) {
      linear.holdAs(type);
    }
    module.children().values().forEach(child -> holdAllAs(child, type));
  }

  /** x [.., in] to [.., out]. */
  public Tensor forward(Tensor x) {
    return quantized == null
        ? MatMulOp.linear(x, weight.value())
        : QuantizedLinearOp.forward(x, quantized);
  }

  /** The same, in full precision: for what enters the residual stream, a loss or the plan. */
  public Tensor forwardInFull(Tensor x) {
    return quantized == null
        ? MatMulOp.linearInFull(x, weight.value())
        : QuantizedLinearOp.forward(x, quantized);
  }

  @Override
  public void close() {
    super.close();
    if (quantized != null) {
      quantized.scales().close();
    }
  }
}
