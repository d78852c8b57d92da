package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** Dropout by counter-based random numbers: the backward pass draws the same ones again. */
public final class DropoutOp {
  private DropoutOp() {}

  /**
   * Drops each element with probability {@code rate} and divides the others by 1 − rate.
   *
   * @throws IllegalArgumentException if the rate is not in [0, 1)
   */
  public static Tensor dropout(Tensor x, double rate) {
    Check.floating("dropout", x);
    checkRate(rate);
    if (rate == 0) {
      return x;
    }
    Engine engine = x.engine();
    Buffer rng = engine.random().state();
    int salt = engine.random().nextSalt();
    Tensor in = x.contiguous();
    Tensor y = engine.empty(x.dtype(), x.shape());
    engine.emit(new Instruction.Dropout(in.buffer(), rate, rng, salt, Output.to(y.buffer())));
    return Node.attach(
        y,
        List.of(in),
        (dy, gradients) ->
            engine.emit(new Instruction.Dropout(dy.buffer(), rate, rng, salt, gradients.into(in))));
  }

  static void checkRate(double rate) {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException(
          "dropout rate %s: allowed are numbers from 0 up to, not including, 1".formatted(rate));
    }
  }
}
