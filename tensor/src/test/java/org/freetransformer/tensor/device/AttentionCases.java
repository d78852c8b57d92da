package org.freetransformer.tensor.device;

import java.util.Arrays;
import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Instruction.Attention;
import org.freetransformer.tensor.device.Instruction.AttentionBackward;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.jspecify.annotations.Nullable;

/** Random attention: groups of heads, keys of earlier times, unequal lengths, dropout. */
final class AttentionCases {
  private AttentionCases() {}

  /** The sizes of one attention. */
  private record Sizes(int batch, int queries, int keys, int heads, int keyHeads, int size) {
    static Sizes random(Operands o) {
      return o.chance(0.25) ? decoding(o) : any(o);
    }

    /** A query or two, and heads of four and eight vectors of the usual widths. */
    private static Sizes decoding(Operands o) {
      int keyHeads = o.between(1, 3);
      int size = 16 << o.between(0, 3);
      return new Sizes(o.between(1, 2), o.between(1, 2), o.count(65), keyHeads, keyHeads, size);
    }

    private static Sizes any(Operands o) {
      int keyHeads = o.between(1, 3);
      int queries = o.count(o.chance(0.1) ? 131 : 33);
      int keys = o.chance(0.5) ? queries : o.chance(0.7) ? queries + o.between(1, 20) : o.count(65);
      return new Sizes(o.count(3), queries, keys, keyHeads * o.between(1, 3), keyHeads, o.size(65));
    }

    int[] query() {
      return new int[] {batch, queries, heads, size};
    }

    int[] key() {
      return new int[] {batch, keys, keyHeads, size};
    }

    int[] lse() {
      return new int[] {batch, heads, queries};
    }

    /** Rounding errors of scores, which weights multiply, and of sums over keys and queries. */
    int length(double largest) {
      int sums = size + keys + queries * heads / keyHeads;
      return 16 + sums + (int) Math.min(largest * largest * size, 2000);
    }
  }

  private static AttentionRule rule(Operands o, Sizes sizes) {
    @Nullable Buffer lengths =
        o.chance(0.6)
            ? null
            : o.of(DType.I32, o.contiguous(sizes.batch), o.integers(sizes.batch, 0, sizes.keys));
    double dropout = o.chance(0.3) ? 0.25 : 0;
    @Nullable Buffer rng = dropout > 0 ? o.rng() : null;
    double scale = 1 / Math.sqrt(sizes.size);
    return new AttentionRule(scale, o.chance(0.6), lengths, dropout, rng, o.between(0, 1 << 20));
  }

  static Case attention(Operands o) {
    Sizes sizes = Sizes.random(o);
    DType dtype = o.floating();
    Supplier<DType> types = o.types(dtype);
    double spread = o.chance(0.15) ? 6 : 1;
    Buffer q = o.of(types.get(), o.rows(sizes.query()), normal(o, spread, sizes.query()));
    Buffer k = o.of(types.get(), o.rows(sizes.key()), normal(o, spread, sizes.key()));
    Buffer v = o.of(types.get(), o.rows(sizes.key()));
    AttentionRule rule = rule(o, sizes);
    Buffer out = o.blank(types.get(), o.rows(sizes.query()));
    Buffer lse = o.blank(dtype, o.contiguous(sizes.lse()));
    return new Case(new Attention(q, k, v, rule, out, lse), sizes.length(spread));
  }

  static Case attentionBackward(Operands o) {
    Sizes sizes = Sizes.random(o);
    DType dtype = o.floating();
    Supplier<DType> types = o.types(dtype);
    Buffer q = o.of(types.get(), o.rows(sizes.query()), normal(o, 1, sizes.query()));
    Buffer k = o.of(types.get(), o.rows(sizes.key()), normal(o, 1, sizes.key()));
    Buffer v = o.of(types.get(), o.rows(sizes.key()), normal(o, 1, sizes.key()));
    AttentionRule rule = rule(o, sizes);
    double[] outValues;
    double[] lseValues;
    try (Device scalar = new ScalarDevice();
        Operands exact = new Operands(scalar, 0)) {
      Buffer out = exact.blank(DType.F64, Layout.contiguous(Shape.of(sizes.query())));
      Buffer lse = exact.blank(DType.F64, Layout.contiguous(Shape.of(sizes.lse())));
      Attention forward =
          new Attention(
              exact.of(DType.F64, Layout.contiguous(Shape.of(sizes.query())), o.values(q)),
              exact.of(DType.F64, Layout.contiguous(Shape.of(sizes.key())), o.values(k)),
              exact.of(DType.F64, Layout.contiguous(Shape.of(sizes.key())), o.values(v)),
              copied(rule, o, exact),
              out,
              lse);
      scalar.prepare(forward).run();
      outValues = exact.values(out);
      lseValues = exact.values(lse);
    }
    DType outType = o.chance(0.3) ? types.get() : dtype;
    // A device may take Σ out·dout where the oracle takes Σ p·dp: then out's rounding shows.
    int rounding = outType.bytes() == 2 ? 1 << 17 : 0;
    int wanted = o.chance(0.6) ? 7 : o.between(1, 6);
    return new Case(
        new AttentionBackward(
            q,
            k,
            v,
            rule,
            o.of(outType, o.rows(sizes.query()), outValues),
            o.of(dtype, o.contiguous(sizes.lse()), lseValues),
            o.of(types.get(), o.rows(sizes.query())),
            (wanted & 1) == 0 ? null : o.output(types.get(), o.rows(sizes.query())),
            (wanted & 2) == 0 ? null : o.output(types.get(), o.rows(sizes.key())),
            (wanted & 4) == 0 ? null : o.output(types.get(), o.rows(sizes.key()))),
        sizes.length(1) + rounding);
  }

  /** The same rule on another device. */
  private static AttentionRule copied(AttentionRule rule, Operands from, Operands to) {
    return new AttentionRule(
        rule.scale(),
        rule.causal(),
        copied(rule.keyLengths(), from, to),
        rule.dropout(),
        copied(rule.rng(), from, to),
        rule.salt());
  }

  private static @Nullable Buffer copied(@Nullable Buffer buffer, Operands from, Operands to) {
    return buffer == null ? null : to.of(buffer.dtype(), buffer.layout(), from.values(buffer));
  }

  private static double[] normal(Operands o, double spread, int[] dims) {
    return Arrays.stream(o.normal(Shape.of(dims).size())).map(x -> x * spread).toArray();
  }
}
