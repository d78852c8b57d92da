package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;

/**
 * Operations that libtorch has kernels of its own for, and DJL no methods: those of {@link
 * TorchOps} in fewer passes over memory, though not always in less time.
 */
public final class TorchFused {
  private static final TorchScript ATTENTION =
      new TorchScript(
          "q: Tensor, k: Tensor, v: Tensor",
          "q = torch.transpose(q, 1, 2)",
          "k = torch.transpose(k, 1, 2)",
          "v = torch.transpose(v, 1, 2)",
          "y = torch.scaled_dot_product_attention(q, k, v, None, 0., True)",
          "return torch.transpose(y, 1, 2)");

  private static final TorchScript SWIGLU =
      new TorchScript("gate: Tensor, up: Tensor", "return torch.mul(torch.silu(gate), up)");

  private static final TorchScript CROSS_ENTROPY =
      new TorchScript(
          "logits: Tensor, targets: Tensor",
          "return torch.cross_entropy_loss(logits, targets, None, 0)");

  private static final TorchScript FILL =
      new TorchScript("x: Tensor, value: Tensor", "return torch.fill_(x, value)");

  private TorchFused() {}

  /**
   * Causal attention of grouped queries by {@code scaled_dot_product_attention}, which on the
   * processor stores no T×T matrix.
   *
   * @param q [B, T, Hq, Dh]
   * @param k [B, T, Hkv, Dh]
   * @param v [B, T, Hkv, Dh]
   * @return [B, T, Hq, Dh]
   */
  public static NDArray causalAttention(NDArray q, NDArray k, NDArray v) {
    Shape shape = q.getShape();
    long group = shape.get(2) / k.getShape().get(2);
    return Freeing.allBut(() ->
        ATTENTION.call(
            q, group == 1 ? k : k.repeat(2, group), group == 1 ? v : v.repeat(2, group)));
  }

  /** Writes a number to every element, in place. */
  public static void fill(NDArray x, float value) {
    Freeing.all(() -> FILL.call(x, x.getManager().create(value)));
  }

  /** silu(gate)·up. */
  public static NDArray swiGlu(NDArray gate, NDArray up) {
    return SWIGLU.call(gate, up);
  }

  /**
   * Negative log-likelihoods [N] of targets.
   *
   * @param logits [N, V]
   * @param targets int64 [N]
   */
  public static NDArray crossEntropy(NDArray logits, NDArray targets) {
    return CROSS_ENTROPY.call(logits, targets);
  }
}
