package org.freetransformer.nn.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;

/** Bounds the global norm of all gradients (Pascanu et al., 2013), on the device. */
public final class GradientClipping {
  /**
   * A clipped gradient's numbers, both of shape [].
   *
   * @param norm √Σ g² over all parameters, before clipping
   * @param scale what each gradient is to be multiplied with: min(1, limit / (norm + 1e-6)), as
   *     PyTorch has it
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
    List<Tensor> squares = new ArrayList<>();
    parameters.forEach(
        (name, parameter) -> squares.add(gradientOf(name, parameter).sumOfSquares().reshape(1)));
    Tensor norm = Tensor.concat(0, squares).sum().sqrt();
    Tensor one = engine.full(norm.dtype(), norm.shape(), 1);
    Tensor scale = limit > 0 ? one.minimum(norm.add(EPSILON).reciprocal().mul(limit)) : one;
    return new Clipped(norm, scale);
  }

  static Tensor gradientOf(String name, Parameter parameter) {
    Tensor gradient = parameter.value().grad();
    if (gradient == null) {
      throw new IllegalStateException("parameter '%s' has no gradient".formatted(name));
    }
    return gradient;
  }
}
