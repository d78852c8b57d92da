package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** Root-mean-square normalisation (Zhang and Sennrich, 2019). */
public final class RmsNormOp {
  private RmsNormOp() {}

  /**
   * {@code x / √(mean(x²) + epsilon) · weight} over the last axis: x [.., D], weight [D].
   *
   * @throws IllegalArgumentException if shapes do not fit
   */
  public static Tensor rmsNorm(Tensor x, Tensor weight, double epsilon) {
    Check.together("rmsNorm", x, weight);
    Check.that(x.shape().rank() >= 1, "rmsNorm", "x must have an axis", x);
    Check.shape("rmsNorm weight", weight, Shape.of(x.dim(-1)));
    Engine engine = x.engine();
    Tensor rows = x.contiguous();
    Tensor y = engine.empty(x.dtype(), x.shape());
    int columns = Math.max(1, x.dim(-1));
    Tensor rstd = engine.empty(x.dtype(), Shape.of(Math.toIntExact(x.shape().size() / columns)));
    engine.emit(
        new Instruction.RmsNorm(
            rows.buffer(), weight.buffer(), epsilon, Output.to(y.buffer()), rstd.buffer()));
    return Node.attach(
        y,
        List.of(rows, weight),
        (dy, gradients) ->
            engine.emit(
                new Instruction.RmsNormBackward(
                    rows.buffer(),
                    weight.buffer(),
                    rstd.buffer(),
                    dy.buffer(),
                    gradients.intoIfWanted(rows),
                    gradients.intoIfWanted(weight))));
  }
}
