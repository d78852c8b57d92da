package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Instruction.Attention;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.Instruction.Binary;
import org.freetransformer.tensor.memory.OffHeapStorage;
import org.junit.jupiter.api.Test;

/** What instructions say of their useful work. */
class CostTest {
  private static Buffer buffer(int... dims) {
    return buffer(Layout.contiguous(Shape.of(dims)));
  }

  private static Buffer buffer(Layout layout) {
    return new Buffer(OffHeapStorage.reserve(4 * layout.end()), DType.F32, layout);
  }

  /** Of two rows with three heads of five numbers, one of keys. */
  private static long flops(int queries, int keys, boolean causal) {
    Buffer q = buffer(2, queries, 3, 5);
    Buffer k = buffer(2, keys, 1, 5);
    AttentionRule rule = new AttentionRule(1, causal, null, 0, null, 0);
    return new Attention(q, k, k, rule, q, buffer(2, 3, queries)).cost().flops();
  }

  @Test
  void aCausalQueryCountsTheKeysThatItSees() {
    for (int queries = 0; queries < 6; queries++) {
      for (int keys = 0; keys < 6; keys++) {
        long seen = 0;
        for (int t = 0; t < queries; t++) {
          seen += Math.max(0L, t + keys - queries + 1);
        }
        assertThat(flops(queries, keys, true))
            .as("%d queries, %d keys", queries, keys)
            .isEqualTo(2 * 3 * seen * 4L * 5);
        assertThat(flops(queries, keys, false)).isEqualTo(2L * 3 * queries * keys * 4 * 5);
      }
    }
  }

  @Test
  void aRepeatedElementIsReadOnce() {
    Buffer row = buffer(Layout.contiguous(Shape.of(5)).broadcastTo(Shape.of(3, 5)));
    Buffer one = buffer(Layout.contiguous(Shape.of()).broadcastTo(Shape.of(3, 5)));
    Buffer out = buffer(3, 5);
    Binary op = new Binary(BinaryFunction.ADD, row, one, Output.to(out));
    assertThat(op.cost().bytes()).isEqualTo(4 * (5 + 1 + 15));
    Buffer none = buffer(Layout.contiguous(Shape.of(1)).broadcastTo(Shape.of(0)));
    assertThat(none.distinctBytes()).isZero();
  }
}
