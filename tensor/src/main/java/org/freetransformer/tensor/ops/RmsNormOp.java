package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
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
    Check.floating("rmsNorm", x);
    Check.that(x.shape().rank() >= 1, "rmsNorm", "x must have an axis", x);
    Check.shape("rmsNorm weight", weight, Shape.of(x.dim(-1)));
    Engine engine = x.engine();
    Tensor rows = x.contiguous();
    Tensor scale = ViewOp.distinct(weight.contiguous(), rows);
    DType type = engine.precision().normalised(x.dtype());
    int count = x.shape().with(-1, 1).sizeAsInt("rmsNorm");
    Tensor rstd = engine.empty(Precision.statistics(x.dtype()), Shape.of(count));
    return Node.attachCheap(
        compute(rows, scale, epsilon, type, rstd),
        List.of(rows, scale),
        () -> compute(rows, scale, epsilon, type, engine.empty(rstd.dtype(), rstd.shape())),
        (dy, gradients) ->
            engine.emit(
                new Instruction.RmsNormBackward(
                    rows.buffer(),
                    scale.buffer(),
                    rstd.buffer(),
                    dy.buffer(),
                    gradients.intoIfWanted(rows),
                    gradients.intoIfWanted(scale))));
  }

  private static Tensor compute(Tensor x, Tensor weight, double epsilon, DType type, Tensor rstd) {
    Tensor y = x.engine().empty(type, x.shape());
    x.engine()
        .emit(
            new Instruction.RmsNorm(
                x.buffer(), weight.buffer(), epsilon, Output.to(y.buffer()), rstd.buffer()));
    return y;
  }
}
