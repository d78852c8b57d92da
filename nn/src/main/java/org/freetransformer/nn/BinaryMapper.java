package org.freetransformer.nn;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.ops.BinaryMapperOp;
import org.freetransformer.tensor.ops.EmbeddingOp;
import org.freetransformer.tensor.ops.MatMulOp;

/**
 * Turns plan logits into a discrete plan and the plan into a vector r (paper §3.4). The plan's
 * index is z = Σ_h b_h·2^h with b_h ~ Bernoulli(σ(logit_h)); r is row z of a table (the paper's
 * one-hot times a matrix), or a linear map of the bits. Zero at first, so that a new Free
 * Transformer computes what its baseline computes.
 */
public final class BinaryMapper extends Module {
  /** How a plan becomes a vector, and which gradient its logits get. */
  public enum Kind {
    /** A row of a [2^H, D] table; the gradient runs through the probabilities of all plans. */
    TABLE_FULL_GRADIENT,
    /**
     * A row of a [2^H, D] table; the gradient runs through the sampled plan's probability alone.
     */
    TABLE_SAMPLED_GRADIENT,
    /** A [D, H] matrix times the bits as −1 and +1; the gradient is exact. */
    BITS
  }

  private final Kind kind;
  private final int bits;
  private final Parameter weight;

  /**
   * A mapper for plans of {@code bits} bits into vectors of {@code width} numbers.
   *
   * @throws IllegalArgumentException if there are not 1 to 20 bits
   */
  public BinaryMapper(Engine engine, Kind kind, int bits, int width) {
    if (bits < 1 || bits > BinaryMapperOp.MAX_BITS) {
      throw new IllegalArgumentException(
          "%d bits: a plan has 1 to %d".formatted(bits, BinaryMapperOp.MAX_BITS));
    }
    this.kind = kind;
    this.bits = bits;
    Parameter zeros =
        kind == Kind.BITS
            ? Parameter.zeros(engine, false, width, bits)
            : Parameter.zeros(engine, true, 1 << bits, width);
    this.weight = parameter("post_sampler_fc.weight", zeros);
  }

  /**
   * Draws a plan per position.
   *
   * @param logits [B, T, H]
   * @param threshold whether bit h is simply σ(logit_h) > ½ instead of a draw
   * @return plan indices, i32 [B, T]
   */
  public Tensor sample(Tensor logits, boolean threshold) {
    return BinaryMapperOp.sample(logits, threshold);
  }

  /**
   * The vectors of plans that were sampled from logits, with the way back to the logits.
   *
   * @param logits [B, T, H]
   * @param plans i32 [B, T], from {@link #sample}
   * @return r [B, T, D]
   */
  public Tensor forward(Tensor logits, Tensor plans) {
    return switch (kind) {
      case TABLE_FULL_GRADIENT -> BinaryMapperOp.lookUp(logits, plans, weight.value(), true);
      case TABLE_SAMPLED_GRADIENT -> BinaryMapperOp.lookUp(logits, plans, weight.value(), false);
      case BITS -> fromBits(BinaryMapperOp.bits(logits, plans));
    };
  }

  /** The vectors of given plans: i32 [B, T] to r [B, T, D]. */
  public Tensor forward(Tensor plans) {
    return kind == Kind.BITS
        ? fromBits(BinaryMapperOp.bits(plans, bits, DType.F32))
        : EmbeddingOp.gather(weight.value(), plans);
  }

  /**
   * Draws anew what one bit says, from N(0, 0.02²): the bit's column; in a table, which has none,
   * half the difference of each two rows that differ in this bit, whose mean stays.
   */
  public void redrawBit(int bit) {
    Tensor value = weight.value();
    Engine engine = value.engine();
    try (Scope _ = engine.scope("redraw");
        Engine.Mode _ = engine.noGrad()) {
      int width = value.dim(kind == Kind.BITS ? 0 : 1);
      Tensor says = engine.normal(DType.F32, Shape.of(width, 1), 0, Parameter.INITIAL_DEVIATION);
      if (kind == Kind.BITS) {
        copy(says, value.narrow(1, bit, 1));
        return;
      }
      Tensor pairs = value.reshape(1 << (bits - 1 - bit), 2, 1 << bit, width);
      Tensor off = pairs.narrow(1, 0, 1);
      Tensor on = pairs.narrow(1, 1, 1);
      Tensor mean = off.add(on).mul(0.5);
      copy(mean.sub(says.reshape(width)), off);
      copy(mean.add(says.reshape(width)), on);
    }
  }

  private static void copy(Tensor from, Tensor to) {
    from.engine().emit(new Instruction.Copy(from.buffer(), Output.to(to.buffer())));
  }

  /** Whether each bit has a column of weights, the second axis, to itself. */
  public boolean hasColumns() {
    return kind == Kind.BITS;
  }

  private Tensor fromBits(Tensor signs) {
    return MatMulOp.linearInFull(signs, weight.value());
  }
}
