package org.freetransformer.eval;

import java.util.List;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.PlanPosterior;
import org.freetransformer.nn.Resources;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.KlOp;

/**
 * A Free Transformer as two recorded programs, up to the plan and from the plan on, between which
 * the host chooses plans. What was inferred for a batch can so be decoded many times.
 */
final class PlanPrograms implements AutoCloseable {
  private final Tensor plans;
  private final Program encode;
  private final Program decode;
  private final Resources resources;

  /** Records both, for batches as large as {@code inputs}. */
  PlanPrograms(FreeTransformer model, BatchTensors inputs) {
    Engine engine = model.engine();
    try (Resources parts = new Resources()) {
      Tensor given = parts.add(engine.allocate("inputs", DType.I32, inputs.tokens().shape()));
      plans = given;
      encode = parts.add(Program.record(engine, () -> encoded(model, inputs)));
      Tensor x = encode.outputs().getFirst();
      decode = parts.add(Program.record(engine, () -> List.of(decoded(model, inputs, x, given))));
      resources = parts.keep();
    }
  }

  private static Tensor decoded(
      FreeTransformer model, BatchTensors inputs, Tensor x, Tensor plans) {
    Tensor hidden = model.secondHalf(x, plans, inputs.sequence(), null);
    return model.outputLoss(hidden, inputs.targets()).losses();
  }

  private static List<Tensor> encoded(FreeTransformer model, BatchTensors inputs) {
    Sequence sequence = inputs.sequence();
    Tensor x = model.firstHalf(inputs.tokens(), sequence, null);
    Tensor logits = model.planLogits(x, sequence);
    Tensor eachBit = logits.reshape(logits.dim(0), logits.dim(1), logits.dim(2), 1);
    return List.of(x, logits, KlOp.bernoulliKl(eachBit));
  }

  /** Infers the plans of the batch that the inputs hold. */
  PlanPosterior encode() {
    encode.run();
    return new PlanPosterior(encode.outputs().get(1));
  }

  /** The first half's output [B, T, D], after {@link #encode}. */
  Tensor firstHalf() {
    return encode.outputs().getFirst();
  }

  /** What was inferred, as logits [B·T·H]. */
  float[] planLogits() {
    return encode.outputs().get(1).toFloats();
  }

  /** Divergence of each bit of what was inferred from its prior, [B·T·H] in nats. */
  float[] klPerBit() {
    return encode.outputs().get(2).toFloats();
  }

  /**
   * Cross-entropies under given plans, after {@link #encode}.
   *
   * @param chosen [B·T], from 0 to 2^H − 1
   * @return [B·T] in nats, 0 where no target counts
   */
  float[] crossEntropies(int[] chosen) {
    plans.set(chosen);
    decode.run();
    return decode.outputs().getFirst().toFloats();
  }

  @Override
  public void close() {
    resources.close();
  }
}
