package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** Softmax over the last axis. */
public final class SoftmaxOp {
  private SoftmaxOp() {}

  /**
   * Softmax of x [.., D], or its logarithm.
   *
   * @throws IllegalArgumentException if x has no axis
   */
  public static Tensor softmax(Tensor x, boolean logarithm) {
    Check.floating("softmax", x);
    Check.that(x.shape().rank() >= 1, "softmax", "the operand must have an axis", x);
    Tensor rows = x.contiguous();
    Tensor y = x.engine().empty(x.dtype(), x.shape());
    x.engine().emit(new Instruction.Softmax(rows.buffer(), logarithm, Output.to(y.buffer())));
    return Node.attach(
        y,
        List.of(rows),
        (dy, gradients) ->
            x.engine()
                .emit(
                    new Instruction.SoftmaxBackward(
                        y.buffer(), dy.buffer(), logarithm, gradients.into(rows))));
  }
}
