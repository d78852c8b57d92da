package org.freetransformer.tensor;

/**
 * Which operation computes and stores its numbers in which type: the whole policy of mixed
 * precision. "Half" is bfloat16 under {@link #BF16} and IEEE half under {@link #FP16}; under {@link
 * #FP32} everything is f32, as its inputs are.
 *
 * <pre>{@code
 * operation                 reads            computes   stores          because
 * linear, between layers    half             f32 sums   half            activations are what fills memory;
 * linear, into a sum        half             f32 sums   f32             rounded once, as products read it
 *   (residual, logits, plan)                                            small terms must not vanish in a sum
 * weight of a linear layer  f32 master       -          a half copy     cast once a step, not at every use
 * gradient of a weight      half, f32        f32 sums   f32             it is added up over micro-batches
 * attention                 half q, k, v     f32        half            scores and softmax never leave f32
 * rotation, SwiGLU          half             f32        half            they stand between two products
 * RMSNorm                   f32              f32        half            sums of squares overflow a half;
 *                                                                       only products read what it stores
 * embedding, residual sums,
 *   dropout on them         f32              f32        f32             what every layer adds to
 * plan: sampling, mapper,
 *   KL; cross-entropy       f32              f32        f32             exponentials and logarithms
 * clipping, AdamW           f32              f32        f32             steps are far smaller than weights
 * }</pre>
 *
 * <p>The gradient of an activation has the activation's type. A device adds up products in f32
 * whatever the types of their operands are.
 */
public enum Precision {
  /** Everything in f32. */
  FP32(DType.F32),
  /** Half is bfloat16: f32's range with 8 bits of precision. */
  BF16(DType.BF16),
  /**
   * Half is IEEE half: 11 bits of precision, but nothing above 65504 and little below 6e-8, so that
   * gradients need a loss scale.
   */
  FP16(DType.F16);

  private final DType half;

  Precision(DType half) {
    this.half = half;
  }

  /** Whether anything is stored in 16 bits. */
  public boolean isMixed() {
    return half != DType.F32;
  }

  /** The type in which linear layers and attention take an operand that comes in a type. */
  public DType operand(DType given) {
    return given == DType.F32 ? half : given;
  }

  /** The type in which RMSNorm stores what it made of an input of a type. */
  public DType normalised(DType input) {
    return input == DType.F32 ? half : input;
  }

  /** The type of what is kept of sums beside an output of a type: logarithms and roots. */
  public static DType statistics(DType output) {
    return output == DType.F64 ? DType.F64 : DType.F32;
  }
}
