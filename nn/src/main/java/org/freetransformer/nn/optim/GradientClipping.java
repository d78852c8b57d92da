package org.freetransformer.nn.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.ReduceFunction;
import org.jspecify.annotations.Nullable;

/** Bounds the global norm of all gradients (Pascanu et al., 2013), on the device. */
public final class GradientClipping {
  /**
   * A clipped gradient's numbers, both of shape [].
   *
   * @param norm √Σ g² over all trained parameters, before clipping, of the gradients of the plain
   *     loss
   * @param scale what each gradient is to be multiplied with: min(1, limit / (norm + 1e-6)), as
   *     PyTorch has it, and what the loss was multiplied with is divided out
   */
  public record Clipped(Tensor norm, Tensor scale) {}

  private static final double EPSILON = 1e-6;

  private GradientClipping() {}

  /**
   * Computes norm and scale; changes no gradient.
   *
   * @param limit largest norm; 0 or less clips nothing
   */
  public static Clipped clip(
      Engine engine, SequencedMap<String, Parameter> parameters, double limit) {
    return clip(engine, parameters, limit, null, UnaryOperator.identity());
  }

  /**
   * The same for gradients of a loss that was multiplied, or where others hold the remaining
   * parameters.
   *
   * @param inverseLossScale shape [], 1 / what the loss was multiplied with; null for 1
   * @param everywhere makes of the sum of squares of these gradients, f64 [], that of all
   */
  public static Clipped clip(
      Engine engine,
      SequencedMap<String, Parameter> parameters,
      double limit,
      @Nullable Tensor inverseLossScale,
      UnaryOperator<Tensor> everywhere) {
    List<Tensor> squares = new ArrayList<>();
    Parameter.trained(parameters)
        .forEach((name, parameter) -> squares.add(sumOfSquares(gradientOf(name, parameter))));
    if (squares.isEmpty()) {
      squares.add(engine.full(DType.F64, Shape.of(1), 0)); // Others may hold them all.
    }
    Tensor sum = everywhere.apply(Tensor.concat(0, squares).sum());
    Tensor norm = scaled(sum.sqrt().to(DType.F32), inverseLossScale);
    Tensor one = engine.full(norm.dtype(), norm.shape(), 1);
    Tensor scale = limit > 0 ? one.minimum(norm.add(EPSILON).reciprocal().mul(limit)) : one;
    return new Clipped(norm, scaled(scale, inverseLossScale));
  }

  private static Tensor scaled(Tensor x, @Nullable Tensor factor) {
    return factor == null ? x : x.mul(factor);
  }

  /** In f64, shape [1]: so the norm's bits do not depend on who holds which gradients. */
  private static Tensor sumOfSquares(Tensor gradient) {
    Engine engine = gradient.engine();
    Tensor sum = engine.empty(DType.F64, Shape.of(1));
    Tensor flat = gradient.detach().reshape(-1);
    engine.emit(
        new Instruction.Reduce(
            ReduceFunction.SUM_OF_SQUARES, flat.buffer(), Output.to(sum.buffer())));
    return sum;
  }

  static Tensor gradientOf(String name, Parameter parameter) {
    Tensor gradient = parameter.value().grad();
    if (gradient == null) {
      throw new IllegalStateException("parameter '%s' has no gradient".formatted(name));
    }
    return gradient;
  }
}
