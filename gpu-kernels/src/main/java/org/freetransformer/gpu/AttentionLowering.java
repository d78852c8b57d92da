package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongToIntFunction;
import java.util.function.ToIntFunction;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.Attention;
import org.freetransformer.tensor.device.Instruction.AttentionBackward;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/** Lowers attention. */
final class AttentionLowering extends FamilyLowering {
  /** A kernel counts in 32 bits which random number belongs to a weight. */
  private static final long MOST_DROPPED = 1L << 31;

  private final LongToIntFunction scratch;

  /**
   * For one instruction.
   *
   * @param scratch gives the first of so many words among the floats
   */
  AttentionLowering(
      ToIntFunction<Buffer> places, ToIntFunction<Float> constants, LongToIntFunction scratch) {
    super(places, constants);
    this.scratch = scratch;
  }

  Launch attention(Attention op) {
    requireFloats(op.q(), op.k(), op.v(), op.out());
    Args args = attention(op.q(), op.k(), op.v(), op.rule());
    place(args, null);
    place(args, null);
    place(args, op.out());
    args.add(at(op.lse()), 0);
    int queries = op.q().dim(0) * op.q().dim(1) * op.q().dim(2);
    AttentionRule rule = op.rule();
    return Launch.perGroup(AttentionKernels::forward, queries, args, rule.scale(), rule.dropout());
  }

  List<Launch> attentionBackward(AttentionBackward op) {
    requireFloats(op.q(), op.k(), op.v(), op.out(), op.dout());
    int queries = op.q().dim(0) * op.q().dim(1) * op.q().dim(2);
    int keys = op.k().dim(0) * op.k().dim(1) * op.k().dim(2);
    if (op.dq() == null && op.dk() == null && op.dv() == null) {
      return List.of();
    }
    AttentionRule rule = op.rule();
    int means = scratch.applyAsInt(queries);
    List<Launch> launches = new ArrayList<>();
    Args ofQueries = backward(op, op.dq(), means);
    launches.add(Launch.perItem(AttentionKernels::backwardMeans, queries, ofQueries, 0, 0));
    if (op.dq() != null) {
      launches.add(
          Launch.perGroup(
              AttentionKernels::backwardToQuery, queries, ofQueries, rule.scale(), rule.dropout()));
    }
    if (op.dk() != null || op.dv() != null) {
      Args args = backward(op, op.dk(), means);
      result(args, op.dv()).add(accumulate(op.dv()));
      launches.add(
          Launch.perGroup(
              AttentionKernels::backwardToKeyAndValue, keys, args, rule.scale(), rule.dropout()));
    }
    return launches;
  }

  private Args backward(AttentionBackward op, @Nullable Output gradient, int means) {
    Args args = attention(op.q(), op.k(), op.v(), op.rule());
    place(args, op.out());
    place(args, op.dout());
    return result(args, gradient).add(at(op.lse()), accumulate(gradient), means);
  }

  private Args result(Args args, @Nullable Output gradient) {
    place(args, gradient == null ? null : gradient.buffer());
    return args;
  }

  private static int accumulate(@Nullable Output gradient) {
    if (gradient == null) {
      return ABSENT;
    }
    return gradient.accumulate() ? 1 : 0;
  }

  private Args attention(Buffer q, Buffer k, Buffer v, AttentionRule rule) {
    if (q.dim(3) > AttentionKernels.MOST_SIZE) {
      throw new UnsupportedOperationException(
          "the GPU device's attention takes heads of at most %d numbers, not %d"
              .formatted(AttentionKernels.MOST_SIZE, q.dim(3)));
    }
    long weights = (long) q.dim(0) * q.dim(2) * q.dim(1) * k.dim(1);
    if (rule.dropout() > 0 && weights > MOST_DROPPED) {
      throw new UnsupportedOperationException(
          "dropout of attention on the GPU takes at most %d weights, not %d: take a smaller batch"
              .formatted(MOST_DROPPED, weights));
    }
    Args args = new Args();
    args.add(q.dim(0), q.dim(1), k.dim(1), q.dim(2), k.dim(2), q.dim(3)).add(rule.causal());
    args.add(rule.keyLengths() == null ? ABSENT : at(rule.keyLengths()));
    args.add(rule.dropout() > 0 && rule.rng() != null ? at(rule.rng()) : ABSENT, rule.salt());
    place(args, q);
    place(args, k);
    place(args, v);
    return args;
  }
}
