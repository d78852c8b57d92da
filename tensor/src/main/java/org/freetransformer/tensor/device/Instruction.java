package org.freetransformer.tensor.device;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The engine's table of contents: all that a device must be able to compute. Each record is one
 * kernel call on raw buffers. Whatever changes from step to step (tokens, learning rate, random
 * counter, free bits) lives in buffers, never in a record, so that a list of instructions can be
 * replayed.
 *
 * <p>Conventions. Floating buffers of one instruction share a type, f32 unless a record says
 * otherwise; the scalar device also takes f64, bf16 and f16. Where a record says "mixed", each
 * buffer is f32, bf16 or f16 by itself, and sums are in f32 all the same. Buffers are contiguous
 * unless a record says "strided". N is a number of rows: the product of all leading dimensions. An
 * {@link Output} with {@code accumulate} adds; a null output is not wanted and not computed. Inputs
 * and outputs do not overlap, except that an output may be exactly one of the {@link #replaceable}
 * inputs.
 *
 * <p>Random numbers are a function of (seed, step, salt, element index): {@code rng} is an i32
 * buffer [4] = {seed low, seed high, step low, step high}, {@code salt} tells instructions apart,
 * and element i takes word {@code i mod 4} of the Philox4x32-10 block with key (seed low, seed
 * high) and counter (i / 4, salt, step low, step high). A word w gives the uniform number {@code (w
 * >>> 8) · 2^-24}.
 */
public sealed interface Instruction {
  /** What the instruction reads and writes, and how much it computes. */
  Work work();

  /** All buffers whose content is used, those that are accumulated into among them. */
  default List<Buffer> reads() {
    return work().reads();
  }

  /** All buffers whose content is changed. */
  default List<Buffer> writes() {
    return work().writes();
  }

  /**
   * Operands whose memory an output of the same layout may take over, if nothing else needs them:
   * those of which each element is read before the one in its place is written, and not after. Of
   * several outputs each takes another.
   */
  default List<Buffer> replaceable() {
    return work().replaceable();
  }

  /** Useful work. */
  default Cost cost() {
    return new Cost(work().flops(), bytesMoved());
  }

  /** Bytes that are read and written: by default all operands', each once. */
  default long bytesMoved() {
    Work work = work();
    return Stream.concat(work.reads().stream(), work.writes().stream())
        .mapToLong(Buffer::distinctBytes)
        .sum();
  }

  // ---- Memory ----

  /** Every element becomes {@code value}. Strided, any type. */
  record Fill(Buffer out, double value) implements Instruction {
    @Override
    public Work work() {
      return Work.from().to(out);
    }
  }

  /**
   * Elements copied, and converted if the types differ (to nearest even; integers truncate).
   * Strided; a stride of 0 in the input repeats.
   */
  record Copy(Buffer in, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(in).to(out);
    }
  }

  /** Random numbers; bounds or mean and deviation are {@code a} and {@code b}. */
  record Random(Distribution distribution, double a, double b, Buffer rng, int salt, Buffer out)
      implements Instruction {
    /** What is drawn. */
    public enum Distribution {
      /** Uniform in [a, b): {@code a + (b - a)·u}. */
      UNIFORM,
      /**
       * Normal, mean a and deviation b. Elements 2j and 2j+1 share the Box-Muller pair of words 2j
       * and 2j+1: radius from {@code 1 - u(2j)}, angle 2π·u(2j+1), cosine first.
       */
      NORMAL
    }

    @Override
    public Work work() {
      return Work.from(rng).to(out);
    }
  }

  // ---- Elementwise (strided, inputs broadcast by stride 0) ----

  /** {@code scale·x + shift}. */
  record Affine(Buffer in, double scale, double shift, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(in).to(out).inPlace(in).flops(2 * in.size());
    }
  }

  /** A function of one number. */
  record Unary(UnaryFunction function, Buffer in, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(in).to(out).inPlace(in).flops(in.size());
    }
  }

  /** {@code f'(x)·dy}. */
  record UnaryBackward(UnaryFunction function, Buffer x, Buffer dy, Output dx)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(x, dy).to(dx).inPlace(dy, x).flops(2 * x.size());
    }
  }

  /** A function of two numbers. Comparisons give 1 or 0, and take any pair of equal types. */
  record Binary(BinaryFunction function, Buffer a, Buffer b, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(a, b).to(out).inPlace(a, b).flops(out.buffer().size());
    }
  }

  /** {@code condition ≠ 0 ? a : b}. */
  record Select(Buffer condition, Buffer a, Buffer b, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(condition, a, b).to(out).inPlace(a, b);
    }
  }

  /** Kept elements divided by 1 − rate, the others 0; element i is kept where u(i) ≥ rate. */
  record Dropout(Buffer in, double rate, Buffer rng, int salt, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(in, rng).to(out).inPlace(in);
    }
  }

  // ---- Reductions and products ----

  /**
   * Reduces every axis along which the output has size 1 and the input has not; both have the same
   * rank. Strided. An empty sum is 0, an empty maximum −∞.
   */
  record Reduce(ReduceFunction function, Buffer in, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(in).to(out).flops(in.size());
    }
  }

  /**
   * {@code out = alpha · a × b}: a [.., M, K], b [.., K, N], out [.., M, N], equal ranks. Strided:
   * a transpose is a layout, a batch dimension that is shared has stride 0 in a or b. Mixed.
   */
  record MatMul(Buffer a, Buffer b, double alpha, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(a, b).to(out).flops(2 * out.buffer().size() * a.dim(-1));
    }
  }

  /**
   * {@code out[n, j] = scales[j] · Σ x[n, k] · weight[j, k]}: x [N, K] and scales [J] in f32,
   * weight [J, K] in i8, out [N, J].
   */
  record QuantizedLinear(Buffer x, Buffer weight, Buffer scales, Output out)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(x, weight, scales).to(out).flops(2 * out.buffer().size() * x.dim(-1));
    }
  }

  // ---- Rows of a table ----

  /** Row n of out [N, D] = row indices[n] of table [R, D]. An index outside 0..R−1 gives zeros. */
  record Gather(Buffer table, Buffer indices, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(table, indices).to(out);
    }

    @Override
    public long bytesMoved() {
      return 2 * out.buffer().bytes() + indices.bytes();
    }
  }

  /**
   * Row indices[n] of table [R, D] += row n of source [N, D], in the order of n. An index outside
   * 0..R−1 is passed over.
   */
  record ScatterAdd(Buffer source, Buffer indices, Buffer table) implements Instruction {
    @Override
    public Work work() {
      return Work.from(source, indices, table).to(table).flops(source.size());
    }

    @Override
    public long bytesMoved() {
      return 3 * source.bytes() + indices.bytes();
    }
  }

  /**
   * Row indices[n] of table [R, D] = row n of source [N, D]; other rows stay. An index outside
   * 0..R−1 is passed over.
   */
  record ScatterRows(Buffer source, Buffer indices, Buffer table) implements Instruction {
    @Override
    public Work work() {
      return Work.from(source, indices, table).to(table);
    }

    @Override
    public long bytesMoved() {
      return 2 * source.bytes() + indices.bytes();
    }
  }

  // ---- Transformer blocks ----

  /** Softmax over the last axis, or its logarithm. */
  record Softmax(Buffer in, boolean logarithm, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(in).to(out).flops(5 * in.size());
    }
  }

  /**
   * With y the softmax: {@code dx = y·(dy − Σ y·dy)}; with y its logarithm: {@code dx = dy −
   * exp(y)·Σ dy}.
   */
  record SoftmaxBackward(Buffer y, Buffer dy, boolean logarithm, Output dx) implements Instruction {
    @Override
    public Work work() {
      return Work.from(y, dy).to(dx).flops(4 * y.size());
    }
  }

  /**
   * {@code out = x · rstd · weight} with {@code rstd = 1/√(mean(x²) + epsilon)} per row: x and out
   * [.., D], weight [D], rstd [N]. Mixed; weight is of x's type, rstd of the same or f32.
   */
  record RmsNorm(Buffer x, Buffer weight, double epsilon, Output out, Buffer rstd)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(x, weight).to(out).to(rstd).flops(4 * x.size());
    }
  }

  /**
   * Gradients of {@link RmsNorm}: {@code dweight = Σ_n dy·x·rstd}, and with {@code g = dy·weight}:
   * {@code dx = rstd·(g − x·rstd²·mean(g·x))}. Mixed; weight and dweight are of x's type, rstd of
   * the same or f32.
   */
  record RmsNormBackward(
      Buffer x,
      Buffer weight,
      Buffer rstd,
      Buffer dy,
      @Nullable Output dx,
      @Nullable Output dweight)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(x, weight, rstd, dy).to(dx).to(dweight).flops(9 * x.size());
    }
  }

  /**
   * Rotary positions, half-rotation layout: x and out [B, T, heads, Dh] (strided, last axis
   * unit-stride); positions i32 [B, T] (strided); table f32 [P, Dh] holds the cosines of the Dh/2
   * angles of a position, then the sines. With halves (u, v): {@code (u·cos − v·sin, v·cos +
   * u·sin)}; {@code inverse} turns back, which is the gradient. Mixed; the table is f32 or of x's
   * type.
   */
  record Rope(Buffer x, Buffer positions, Buffer table, boolean inverse, Output out)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(x, positions, table).to(out).flops(3 * x.size());
    }

    @Override
    public long bytesMoved() {
      return 2 * x.bytes();
    }
  }

  /** {@code out = silu(gate)·up}. Mixed. */
  record SwiGlu(Buffer gate, Buffer up, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(gate, up).to(out).inPlace(gate, up).flops(5 * gate.size());
    }
  }

  /** Gradients of {@link SwiGlu}. Mixed. */
  record SwiGluBackward(
      Buffer gate, Buffer up, Buffer dy, @Nullable Output dgate, @Nullable Output dup)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(gate, up, dy)
          .to(dgate)
          .to(dup)
          .inPlace(up, gate, dy)
          .flops(10 * gate.size());
    }
  }

  /**
   * How attention scores become weights.
   *
   * @param scale factor of the scores, usually 1/√Dh
   * @param causal whether query t sees the keys 0..t+S−T only; with {@code keyLengths} those 0..t +
   *     length − T
   * @param keyLengths i32 [B]: how many of the S keys of each batch row are there, or null for all
   * @param dropout rate in [0, 1) on the weights; element ((b·Hq + h)·T + t)·S + s of the random
   *     numbers
   * @param rng random state, needed if {@code dropout} > 0
   * @param salt tells this instruction's random numbers apart
   */
  record AttentionRule(
      double scale,
      boolean causal,
      @Nullable Buffer keyLengths,
      double dropout,
      @Nullable Buffer rng,
      int salt) {}

  /**
   * Grouped-query attention without a T×S matrix: q and out [B, T, Hq, Dh], k and v [B, S, Hkv, Dh]
   * (strided, last axis unit-stride), Hq a multiple of Hkv, query head h reads key head h·Hkv/Hq.
   * Also gives lse [B, Hq, T], the logarithm of the sum of exponentials. A query that sees no key
   * gives zeros and lse −∞. Mixed; lse is f32.
   */
  record Attention(Buffer q, Buffer k, Buffer v, AttentionRule rule, Buffer out, Buffer lse)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(q, k, v, rule.keyLengths(), rule.rng())
          .to(out)
          .to(lse)
          .flops(4 * scores(q, k, rule));
    }

    /** Multiply-adds per score matrix product: Dh for each key that a query of a head may see. */
    static long scores(Buffer q, Buffer k, AttentionRule rule) {
      long queries = q.dim(1);
      long keys = k.dim(1);
      if (!rule.causal() || queries == 0) {
        return q.size() * keys;
      }
      // The last query sees all keys, each one before it one key less.
      long seeing = Math.min(queries, keys);
      return q.size() / queries * (seeing * keys - seeing * (seeing - 1) / 2);
    }
  }

  /** Gradients of {@link Attention}, recomputing the weights from q, k and lse. Mixed. */
  record AttentionBackward(
      Buffer q,
      Buffer k,
      Buffer v,
      AttentionRule rule,
      Buffer out,
      Buffer lse,
      Buffer dout,
      @Nullable Output dq,
      @Nullable Output dk,
      @Nullable Output dv)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(q, k, v, out, lse, dout, rule.keyLengths(), rule.rng())
          .to(dq)
          .to(dk)
          .to(dv)
          .flops(10 * Attention.scores(q, k, rule));
    }
  }

  /**
   * Per row {@code loss = lse − logit[target]} and lse, the logarithm of the sum of exponentials:
   * logits [N, V], targets i32 [N], losses and lse [N]. A target equal to {@code ignoreIndex} gives
   * loss 0. All are of one type, but for lse, which is f32 where logits are of 16 bits.
   */
  record CrossEntropy(Buffer logits, Buffer targets, int ignoreIndex, Buffer losses, Buffer lse)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(logits, targets).to(losses).to(lse).flops(4 * logits.size());
    }
  }

  /**
   * {@code dlogits = (softmax(logits) − onehot(target))·dlosses[n]}; 0 for an ignored row. Types as
   * in {@link CrossEntropy}.
   */
  record CrossEntropyBackward(
      Buffer logits, Buffer targets, int ignoreIndex, Buffer lse, Buffer dlosses, Output dlogits)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(logits, targets, lse, dlosses)
          .to(dlogits)
          .inPlace(logits)
          .flops(4 * logits.size());
    }
  }

  // ---- The latent plan ----

  /**
   * One plan index per row: bit h is 1 where {@code u(n·H + h) < σ(logits[n, h])}, or, with a null
   * {@code rng}, where {@code σ > ½}. logits [N, H], H ≤ 20, indices i32 [N] = Σ_h bit_h·2^h.
   */
  record SamplePlan(Buffer logits, @Nullable Buffer rng, int salt, Buffer indices)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(logits, rng).to(indices);
    }
  }

  /** The bits of plan indices i32 [N] as −1 and +1: out [N, H]. */
  record PlanBits(Buffer indices, Output out) implements Instruction {
    @Override
    public Work work() {
      return Work.from(indices).to(out);
    }
  }

  /**
   * The gradient that passes the one-hot plan to its logits (paper, binary mapper). With g_d = ⟨dr,
   * table_d⟩, G_d = Π_h p_h^b (1−p_h)^(1−b) and p = σ(logits): {@code dlogits_h = Σ_d
   * g_d·G_d·(b_h(d) − p_h)} over all C = 2^H plans if {@code full}, over d = indices[n] alone if
   * not. logits [N, H], indices i32 [N], dr [N, D], table [C, D]. Extra memory is bounded by tiles,
   * never [N, C].
   */
  record BinaryMapperBackward(
      Buffer logits, Buffer indices, Buffer dr, Buffer table, boolean full, Output dlogits)
      implements Instruction {
    @Override
    public Work work() {
      long rows = full ? table.dim(0) : 1;
      return Work.from(logits, indices, dr, table).to(dlogits).flops(2 * dr.size() * rows);
    }
  }

  /**
   * {@code kl[n] = Σ_h KL(Bernoulli(σ(logits[n, h])) ‖ Bernoulli(½))} in nats; stable at any logit.
   */
  record BernoulliKl(Buffer logits, Output kl) implements Instruction {
    @Override
    public Work work() {
      return Work.from(logits).to(kl).flops(8 * logits.size());
    }
  }

  /** {@code dlogits[n, h] = l·σ(l)·σ(−l)·dkl[n]}. */
  record BernoulliKlBackward(Buffer logits, Buffer dkl, Output dlogits) implements Instruction {
    @Override
    public Work work() {
      return Work.from(logits, dkl).to(dlogits).flops(8 * logits.size());
    }
  }

  // ---- Optimizer ----

  /**
   * One AdamW update in place. {@code schedule} [3] = {learning rate, 1 − beta1^t, 1 − beta2^t};
   * {@code gradientScale} [1] multiplies the gradient (clipping). With g scaled: {@code m = β1·m +
   * (1−β1)·g}, {@code v = β2·v + (1−β2)·g²}, {@code p −= lr·((m/c1)/(√(v/c2) + ε) +
   * weightDecay·p)}. The gradient is 0 afterwards.
   */
  record AdamW(
      Buffer parameter,
      Buffer gradient,
      Buffer firstMoment,
      Buffer secondMoment,
      Buffer schedule,
      Buffer gradientScale,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay)
      implements Instruction {
    @Override
    public Work work() {
      return Work.from(parameter, gradient, firstMoment, secondMoment, schedule, gradientScale)
          .to(parameter)
          .to(gradient)
          .to(firstMoment)
          .to(secondMoment)
          .flops(14 * parameter.size());
    }
  }

  // ---- The host ----

  /**
   * Work of the host in the midst of a program: how ranks exchange data (nn.sharding). It reads all
   * of {@code reads} and replaces all of {@code writes}; contiguous, any type.
   *
   * @param name what it does, for a reader of the program
   * @param sent bytes that a run sends to others, at least
   * @param begins whether the call only begins with its work: {@code writes} have their values when
   *     a later call has ended that writes them, too; a device with memory of its own takes them
   *     over then and not before. That call must read them as well, else their memory is free for
   *     others in between
   * @param body given where the operands lie, those that it reads first, makes what runs
   */
  record HostCall(
      String name,
      List<Buffer> reads,
      List<Buffer> writes,
      long sent,
      boolean begins,
      Function<List<MemorySegment>, Kernel> body)
      implements Instruction {
    /** Copies the lists. */
    public HostCall {
      reads = List.copyOf(reads);
      writes = List.copyOf(writes);
    }

    /** A call that has done its work when it returns. */
    public HostCall(
        String name,
        List<Buffer> reads,
        List<Buffer> writes,
        long sent,
        Function<List<MemorySegment>, Kernel> body) {
      this(name, reads, writes, sent, false, body);
    }

    @Override
    public Work work() {
      return Work.from(reads.toArray(Buffer[]::new)).to(writes);
    }

    @Override
    public String toString() {
      return name;
    }
  }
}
