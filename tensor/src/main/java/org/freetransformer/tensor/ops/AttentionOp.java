package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.jspecify.annotations.Nullable;

/**
 * Grouped-query attention (Ainslie et al., 2023), computed by tiles with an online softmax (Dao et
 * al., 2022): no T×S matrix is ever stored.
 */
public final class AttentionOp {
  private AttentionOp() {}

  /**
   * {@code softmax(q·kᵀ/√Dh)·v} per head.
   *
   * @param q [B, T, Hq, Dh]
   * @param k [B, S, Hkv, Dh], Hq a multiple of Hkv
   * @param v [B, S, Hkv, Dh]
   * @param causal whether query t sees keys 0..t+S−T only (with {@code keyLengths}: 0..t+length−T)
   * @param keyLengths i32 [B], how many keys of each row count, or null for all
   * @param dropout rate in [0, 1) on the attention weights
   * @return [B, T, Hq, Dh]
   * @throws IllegalArgumentException if shapes do not fit
   */
  public static Tensor attention(
      Tensor q, Tensor k, Tensor v, boolean causal, @Nullable Tensor keyLengths, double dropout) {
    checkShapes(q, k, v);
    AttentionRule rule = rule(q, causal, keyLengths, dropout);
    Tensor queries = ViewOp.unitStride(q);
    Tensor keys = ViewOp.distinct(ViewOp.unitStride(k), queries);
    Tensor values = ViewOp.distinct(ViewOp.unitStride(v), queries, keys);
    return attend(queries, keys, values, rule);
  }

  private static Tensor attend(Tensor q, Tensor k, Tensor v, AttentionRule rule) {
    Engine engine = q.engine();
    Tensor y = engine.empty(q.dtype(), q.shape());
    DType statistics = Precision.statistics(q.dtype());
    Tensor lse = engine.empty(statistics, Shape.of(q.dim(0), q.dim(2), q.dim(1)));
    engine.emit(
        new Instruction.Attention(
            q.buffer(), k.buffer(), v.buffer(), rule, y.buffer(), lse.buffer()));
    return Node.attach(
        y,
        List.of(q, k, v),
        (dy, gradients) ->
            engine.emit(
                new Instruction.AttentionBackward(
                    q.buffer(),
                    k.buffer(),
                    v.buffer(),
                    rule,
                    y.buffer(),
                    lse.buffer(),
                    dy.buffer(),
                    gradients.intoIfWanted(q),
                    gradients.intoIfWanted(k),
                    gradients.intoIfWanted(v))));
  }

  private static AttentionRule rule(
      Tensor q, boolean causal, @Nullable Tensor keyLengths, double dropout) {
    double scale = 1 / Math.sqrt(q.dim(3));
    Buffer lengths = null;
    if (keyLengths != null) {
      Check.integers("attention key lengths", keyLengths);
      Check.engine("attention", q, keyLengths);
      Check.shape("attention key lengths", keyLengths, Shape.of(q.dim(0)));
      lengths = keyLengths.contiguous().buffer();
    }
    if (dropout == 0) {
      return new AttentionRule(scale, causal, lengths, 0, null, 0);
    }
    DropoutOp.checkRate(dropout);
    Engine engine = q.engine();
    return new AttentionRule(
        scale, causal, lengths, dropout, engine.random().state(), engine.random().nextSalt());
  }

  private static void checkShapes(Tensor q, Tensor k, Tensor v) {
    Check.together("attention", q, k);
    Check.together("attention", k, v);
    Check.floating("attention", q);
    boolean fits =
        q.shape().rank() == 4
            && k.shape().rank() == 4
            && k.shape().equals(v.shape())
            && q.dim(0) == k.dim(0)
            && q.dim(3) == k.dim(3)
            && k.dim(2) > 0
            && q.dim(2) % k.dim(2) == 0;
    Check.that(
        fits,
        "attention",
        "shapes must be q [B,T,Hq,Dh] and k, v [B,S,Hkv,Dh] with Hq a multiple of Hkv",
        q,
        k,
        v);
  }
}
