package org.freetransformer.nn;

import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Infers the plan from the whole sequence (paper §3.3): one non-causal block whose query is the
 * learned ζ at every position. Position enters through the rotary embedding alone and content
 * through the attention values alone, which keeps the plan from becoming a copy of each token.
 */
public final class PlanEncoder extends Module {
  private final Parameter zeta;
  private final LlamaBlock block;
  private final RmsNorm norm;
  private final Linear readout;

  /**
   * An encoder of new weights.
   *
   * @param config shape of its block
   * @param rope positions, or null to leave them out
   * @param bits H, plan bits per position
   */
  public PlanEncoder(Engine engine, LlamaBlock.Config config, @Nullable Rope rope, int bits) {
    int width = config.attention().width();
    zeta = parameter("zeta", Parameter.vector(engine, width));
    block = child("transformer_block", new LlamaBlock(engine, config, rope));
    norm = child("norm", new RmsNorm(engine, width, config.normEpsilon()));
    readout = child("readout", new Linear(engine, width, bits));
  }

  /** Draws the readout of one bit anew, as in a new encoder. */
  public void redrawBit(int bit) {
    readout.redrawOutput(bit);
  }

  /**
   * Plan logits for every position.
   *
   * @param x [B, T, D], the output of the first half of the decoder
   * @param sequence where the tokens stand; seen both ways whatever it says
   * @return [B, T, H]
   */
  public Tensor forward(Tensor x, Sequence sequence) {
    Tensor queries = zeta.value().broadcastTo(x.dim(0), x.dim(1), x.dim(2)).contiguous();
    Tensor y = block.forward(queries, x, sequence.nonCausal(), null);
    return readout.forwardInFull(norm.forward(y));
  }
}
