package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.gpu.TornadoVm;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Instruction.Attention;
import org.freetransformer.tensor.device.Instruction.AttentionBackward;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Gradients of attention with large heads, over several tiles, against the scalar device. */
class GpuAttentionParityTest {
  private static final int CASES = Integer.getInteger("parity.cases", TornadoVm.isReal() ? 8 : 16);

  @Test
  void agreesWithTheScalarDevice() {
    try (Device scalar = new ScalarDevice();
        Device device = new GpuParityTest.ProgramsOf(TornadoVm.open())) {
      ParityCheck check = new ParityCheck(scalar, device);
      for (int seed = 0; seed < CASES; seed++) {
        assertThat(check.run(GpuAttentionParityTest::backward, seed)).isPositive();
      }
      assertThat(device.memory().liveBytes()).isZero();
    }
  }

  private static Case backward(Operands o) {
    int keyHeads = o.between(1, 2);
    int size = o.between(60, 256);
    int queries = o.between(60, 140);
    int keys = queries + o.between(0, 20);
    int[] ofQueries = {1, queries, 2 * keyHeads, size};
    int[] ofKeys = {1, keys, keyHeads, size};
    Buffer q = o.of(DType.F32, o.rows(ofQueries));
    Buffer k = o.of(DType.F32, o.rows(ofKeys));
    Buffer v = o.of(o.oneOf(DType.F32, DType.BF16), o.rows(ofKeys));
    AttentionRule rule = new AttentionRule(1 / Math.sqrt(size), o.chance(0.7), null, 0, null, 0);
    Buffer out;
    Buffer lse;
    try (Device scalar = new ScalarDevice();
        Operands exact = new Operands(scalar, 0)) {
      Buffer result = exact.blank(DType.F64, plain(ofQueries));
      Buffer sums = exact.blank(DType.F64, plain(1, 2 * keyHeads, queries));
      Buffer wideQ = exact.of(DType.F64, plain(ofQueries), o.values(q));
      Buffer wideK = exact.of(DType.F64, plain(ofKeys), o.values(k));
      Buffer wideV = exact.of(DType.F64, plain(ofKeys), o.values(v));
      scalar.prepare(new Attention(wideQ, wideK, wideV, rule, result, sums)).run();
      out = o.of(DType.F32, o.rows(ofQueries), exact.values(result));
      lse = o.of(DType.F32, o.contiguous(1, 2 * keyHeads, queries), exact.values(sums));
    }
    Buffer dout = o.of(DType.F32, o.rows(ofQueries));
    boolean all = o.chance(0.7);
    @Nullable Output dq = all ? o.output(DType.F32, o.rows(ofQueries)) : null;
    @Nullable Output dk = all || o.chance(0.5) ? o.output(DType.F32, o.rows(ofKeys)) : null;
    @Nullable Output dv = all || dk == null ? o.output(DType.F32, o.rows(ofKeys)) : null;
    return new Case(
        new AttentionBackward(q, k, v, rule, out, lse, dout, dq, dk, dv), size + keys + queries);
  }

  private static Layout plain(int... dims) {
    return Layout.contiguous(Shape.of(dims));
  }
}
