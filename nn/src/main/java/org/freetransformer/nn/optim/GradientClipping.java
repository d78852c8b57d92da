package org.freetransformer.nn.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Bounds the global norm of all gradients (Pascanu et al., 2013), on the device. */
public final class GradientClipping {
  /**
   * A clipped gradient's numbers, both of shape [].
   *
   * @param norm √Σ g² over all parameters, before clipping, of the gradients of the plain loss
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
    return clip(engine, parameters, limit, null);
  }

  /**
   * The same for gradients of a loss that was multiplied.
   *
   * @param inverseLossScale shape [], 1 / what it was multiplied with; null for 1
   */
  public static Clipped clip(
      Engine engine,
      SequencedMap<String, Parameter> parameters,
      double limit,
      @Nullable Tensor inverseLossScale) {
    List<Tensor> squares = new ArrayList<>();
    parameters.forEach(
        (name, parameter) -> squares.add(gradientOf(name, parameter).sumOfSquares().reshape(1)));
    Tensor norm = scaled(Tensor.concat(0, squares).sum().sqrt(), inverseLossScale);
    Tensor one = engine.full(norm.dtype(), norm.shape(), 1);
    Tensor scale = limit > 0 ? one.minimum(norm.add(EPSILON).reciprocal().mul(limit)) : one;
    return new Clipped(norm, scaled(scale, inverseLossScale));
  }

  private static Tensor scaled(Tensor x, @Nullable Tensor factor) {
    return factor == null ? x : x.mul(factor);
  }

  static Tensor gradientOf(String name, Parameter parameter) {
    Tensor gradient = parameter.value().grad();
    if (gradient == null) {
      throw new IllegalStateException("parameter '%s' has no gradient".formatted(name));
    }
    return gradient;
  }
}
