package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.freetransformer.gpu.AbsentBuffers.buffer;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.Attention;
import org.freetransformer.tensor.device.Instruction.AttentionBackward;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.Output;
import org.junit.jupiter.api.Test;

/** What attention becomes, and which of it the kernels cannot count. */
class AttentionLoweringTest {
  private static Launch lowered(int rows, double dropout) {
    Buffer heads = buffer(DType.F32, Layout.contiguous(Shape.of(rows, 4096, 16, 8)));
    Buffer lse = buffer(DType.F32, Layout.contiguous(Shape.of(rows, 16, 4096)));
    Buffer rng = buffer(DType.I32, Layout.contiguous(Shape.of(4)));
    AttentionRule rule = new AttentionRule(1, true, null, dropout, rng, 0);
    return new AttentionLowering(_ -> 0, _ -> 0, _ -> 0)
        .attention(new Attention(heads, heads, heads, rule, heads, lse));
  }

  @Test
  void dropoutTakesAsManyWeightsAsAnIntCounts() {
    assertThat(lowered(8, 0.1).groups()).isEqualTo(8 * 16 * 4096);
    assertThat(lowered(9, 0).groups()).isEqualTo(9 * 16 * 4096);
    assertThatThrownBy(() -> lowered(9, 0.1))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("at most 2147483648 weights, not 2415919104");
  }

  private static List<Integer> groupsOfBackward(boolean dq, boolean dk, boolean dv) {
    Buffer heads = buffer(DType.F32, Layout.contiguous(Shape.of(1, 128, 4, 8)));
    Buffer keys = buffer(DType.F32, Layout.contiguous(Shape.of(1, 128, 2, 8)));
    Buffer lse = buffer(DType.F32, Layout.contiguous(Shape.of(1, 4, 128)));
    AttentionRule rule = new AttentionRule(1, true, null, 0, null, 0);
    return new AttentionLowering(_ -> 0, _ -> 0, _ -> 0)
            .attentionBackward(
                new AttentionBackward(
                    heads,
                    keys,
                    keys,
                    rule,
                    heads,
                    lse,
                    heads,
                    dq ? Output.to(heads) : null,
                    dk ? Output.to(keys) : null,
                    dv ? Output.to(keys) : null))
            .stream()
            .map(Launch::groups)
            .toList();
  }

  @Test
  void keysAndValuesShareALaunchAndAllShareTheMeans() {
    assertThat(groupsOfBackward(true, true, true)).containsExactly(8, 512, 256);
    assertThat(groupsOfBackward(false, false, true)).containsExactly(8, 256);
    assertThat(groupsOfBackward(true, false, false)).containsExactly(8, 512);
    assertThat(groupsOfBackward(false, false, false)).isEmpty();
  }
}
