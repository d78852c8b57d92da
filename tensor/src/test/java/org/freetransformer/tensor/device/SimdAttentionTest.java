package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.assertj.core.data.Offset;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction.Attention;
import org.freetransformer.tensor.device.Instruction.AttentionBackward;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.freetransformer.tensor.device.simd.SimdDevice;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention over several blocks of queries and of keys, larger than the parity suite's cases. */
class SimdAttentionTest {
  private static final double TOLERANCE = 2e-5;

  @ParameterizedTest
  @CsvSource({
    "1, 300, 600, 2, 1, 40, true",
    "1, 530, 530, 1, 1, 16, true",
    "2, 270, 40, 2, 2, 33, false",
    "1, 1, 1100, 4, 2, 64, true",
    "1, 3, 700, 4, 4, 8, true"
  })
  void agreesWithTheScalarDevice(
      int batch, int queries, int keys, int heads, int keyHeads, int size, boolean causal) {
    try (Device scalar = new ScalarDevice();
        Device simd = new SimdDevice(2);
        Operands expected = new Operands(scalar, 7);
        Operands actual = new Operands(simd, 7)) {
      for (Operands operands : List.of(expected, actual)) {
        Device device = operands == expected ? scalar : simd;
        int[] query = {batch, queries, heads, size};
        int[] key = {batch, keys, keyHeads, size};
        Buffer q = operands.of(DType.F32, operands.rows(query));
        Buffer k = operands.of(DType.F32, operands.rows(key));
        Buffer v = operands.of(DType.F32, operands.rows(key));
        Buffer out = operands.blank(DType.F32, operands.rows(query));
        Buffer lse = operands.blank(DType.F32, operands.contiguous(batch, heads, queries));
        AttentionRule rule = new AttentionRule(1 / Math.sqrt(size), causal, null, 0, null, 0);
        device.prepare(new Attention(q, k, v, rule, out, lse)).run();
        Buffer dout = operands.of(DType.F32, operands.rows(query));
        Output dq = Output.addTo(operands.of(DType.F32, operands.rows(query)));
        Output dk = Output.to(operands.blank(DType.F32, operands.rows(key)));
        Output dv = Output.to(operands.blank(DType.F32, operands.rows(key)));
        device.prepare(new AttentionBackward(q, k, v, rule, out, lse, dout, dq, dk, dv)).run();
      }
      for (int i = 0; i < expected.buffers().size(); i++) {
        double[] oracle = expected.values(expected.buffers().get(i));
        double[] values = actual.values(actual.buffers().get(i));
        for (int j = 0; j < oracle.length; j++) {
          assertThat(values[j])
              .as("operand %d, element %d", i, j)
              .isCloseTo(oracle[j], Offset.offset(TOLERANCE * (1 + Math.abs(oracle[j]))));
        }
      }
    }
  }
}
