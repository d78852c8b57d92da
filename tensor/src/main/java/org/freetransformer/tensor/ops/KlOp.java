package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** What a plan costs: its divergence from the uniform prior, and the part that is free. */
public final class KlOp {
  private KlOp() {}

  /**
   * {@code Σ_h KL(Bernoulli(σ(logit_h)) ‖ Bernoulli(½))} in nats, from 0 to H·ln 2, finite at any
   * logit: logits [.., H] to [..].
   *
   * @throws IllegalArgumentException if the logits have no axis, or no bits
   */
  public static Tensor bernoulliKl(Tensor logits) {
    Check.floating("bernoulliKl", logits);
    boolean fits = logits.shape().rank() >= 1 && logits.dim(-1) >= 1;
    Check.that(fits, "bernoulliKl", "logits must be [.., H] with H at least 1", logits);
    Engine engine = logits.engine();
    Tensor rows = logits.contiguous();
    Tensor kl = engine.empty(logits.dtype(), Check.leading(logits.shape()));
    Buffer in = Rows.of("bernoulliKl", rows.buffer());
    engine.emit(new Instruction.BernoulliKl(in, Output.to(Rows.list("bernoulliKl", kl.buffer()))));
    return Node.attach(
        kl,
        List.of(rows),
        (dkl, gradients) ->
            engine.emit(
                new Instruction.BernoulliKlBackward(
                    in,
                    Rows.list("bernoulliKl", dkl.buffer()),
                    Rows.of("bernoulliKl", gradients.into(rows)))));
  }

  /**
   * What remains after the free bits: {@code max(0, kl − kappa)} (Kingma et al., 2016).
   *
   * @param kl [..] in nats
   * @param kappa shape [], in nats, read at every run of a program
   */
  public static Tensor freeBits(Tensor kl, Tensor kappa) {
    return kl.sub(kappa).relu();
  }
}
