package org.freetransformer.nn;

import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.RmsNormOp;

/** Root-mean-square normalisation with a learned scale: weight [D], ones at first. */
public final class RmsNorm extends Module {
  private final Parameter weight;
  private final double epsilon;

  /** A norm over {@code width} numbers. */
  public RmsNorm(Engine engine, int width, double epsilon) {
    this.weight = parameter("weight", Parameter.scale(engine, width));
    this.epsilon = epsilon;
  }

  /** x [.., D] to [.., D]. */
  public Tensor forward(Tensor x) {
    return RmsNormOp.rmsNorm(x, weight.value(), epsilon);
  }
}
