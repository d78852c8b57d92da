package org.freetransformer.tensor.autograd;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.UnaryOperator;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.WeightCopies;

/**
 * Segments of the graph whose inner results are not kept for the backward pass, but computed again
 * there (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016). Random numbers are a
 * function of their place, so dropout drops the same; gradients are the same to the bit.
 *
 * <p>In a recorded program the memory of inner results is free again as soon as the segment is
 * done. Tensors that are computed at once live until their scope closes, so nothing is won there.
 */
public final class Recomputation {
  private Recomputation() {}

  /**
   * Applies a segment; it is computed again in the backward pass if the engine is in that mode
   * ({@link Engine#recomputation}).
   *
   * @param inputs what it is computed from, besides parameters: all tensors through which gradients
   *     flow
   * @param segment one output; called again in the backward pass, it must do the same
   */
  public static Tensor of(List<Tensor> inputs, Segment segment) {
    Engine engine = inputs.getFirst().engine();
    boolean pays =
        engine.recomputes()
            && engine.gradEnabled()
            && inputs.stream().anyMatch(Tensor::requiresGrad);
    if (!pays) {
      return segment.apply(inputs);
    }
    int salt = engine.random().salt();
    WeightCopies copies = engine.weightCopies();
    Tensor y;
    try (Engine.Mode _ = engine.noGrad()) {
      y = segment.apply(inputs).detach();
    }
    return Node.attach(
        y,
        inputs,
        (dy, gradients) -> {
          List<Tensor> entries = standIns(inputs, gradients);
          Tensor again;
          try (Engine.Mode _ = engine.grad(true);
              Engine.Mode _ = engine.mixedPrecision(copies)) {
            again = engine.random().again(salt, () -> segment.apply(entries));
          }
          gradients.goOn(again, dy);
        });
  }

  /** What computes one tensor from several. */
  @FunctionalInterface
  public interface Segment {
    /** Computes the output. */
    Tensor apply(List<Tensor> inputs);
  }

  /** One for each input, and the same one for the same input. */
  private static List<Tensor> standIns(List<Tensor> inputs, Gradients gradients) {
    IdentityHashMap<Tensor, Tensor> entries = new IdentityHashMap<>();
    UnaryOperator<Tensor> entry = input -> entries.computeIfAbsent(input, gradients::standIn);
    return inputs.stream().map(entry).toList();
  }
}
