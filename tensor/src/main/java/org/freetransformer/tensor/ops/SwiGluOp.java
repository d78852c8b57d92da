package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** The gated activation of Llama's feed-forward layer (Shazeer, 2020). */
public final class SwiGluOp {
  private SwiGluOp() {}

  /**
   * {@code silu(gate)·up}.
   *
   * @throws IllegalArgumentException if shapes differ
   */
  public static Tensor swiGlu(Tensor gate, Tensor up) {
    Check.together("swiGlu", gate, up);
    Check.floating("swiGlu", gate);
    Check.that(gate.shape().equals(up.shape()), "swiGlu", "shapes must be equal", gate, up);
    Engine engine = gate.engine();
    Tensor g = gate.contiguous();
    Tensor u = ViewOp.distinct(up.contiguous(), g);
    return Node.attachCheap(
        compute(g, u),
        List.of(g, u),
        () -> compute(g, u),
        (dy, gradients) ->
            engine.emit(
                new Instruction.SwiGluBackward(
                    g.buffer(),
                    u.buffer(),
                    dy.buffer(),
                    gradients.intoIfWanted(g),
                    gradients.intoIfWanted(u))));
  }

  private static Tensor compute(Tensor gate, Tensor up) {
    Tensor y = gate.engine().empty(gate.dtype(), gate.shape());
    gate.engine().emit(new Instruction.SwiGlu(gate.buffer(), up.buffer(), Output.to(y.buffer())));
    return y;
  }
}
