package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.gpu.TornadoVm;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.Test;

/**
 * Products whose operands a tile's kernel may read by four, against the scalar device: sides,
 * strides and offsets are multiples of 4, or next to one, where fours would cross an edge.
 */
class GpuMatMulParityTest {
  private static final int CASES = Integer.getInteger("parity.cases", TornadoVm.isReal() ? 12 : 30);

  @Test
  void agreesWithTheScalarDevice() {
    try (Device scalar = new ScalarDevice();
        Device device = new GpuParityTest.ProgramsOf(TornadoVm.open())) {
      ParityCheck check = new ParityCheck(scalar, device);
      for (int seed = 0; seed < CASES; seed++) {
        assertThat(check.run(GpuMatMulParityTest::product, seed)).isPositive();
      }
      assertThat(device.memory().liveBytes()).isZero();
    }
  }

  private static Case product(Operands o) {
    int m = size(o, 20, 140);
    int n = size(o, 4, 140);
    int k = size(o, 4, 60);
    int batches = o.chance(0.4) ? 3 : 1;
    Buffer a = operand(o, batches, m, k);
    Buffer b = operand(o, batches, k, n);
    double alpha = o.chance(0.5) ? 1 : o.normal(1)[0];
    DType result = o.chance(0.7) ? DType.F32 : o.oneOf(DType.BF16, DType.F16);
    Output out = o.output(result, matrices(o, batches, m, n));
    return new Case(new MatMul(a, b, alpha, out), k + 1);
  }

  /** A multiple of 4, or now and then not. */
  private static int size(Operands o, int low, int high) {
    return 4 * o.between(low / 4, high / 4) + off(o);
  }

  private static int off(Operands o) {
    return o.chance(0.1) ? o.between(1, 3) : 0;
  }

  private static Buffer operand(Operands o, int batches, int rows, int columns) {
    DType type = o.oneOf(DType.F32, DType.F32, DType.BF16, DType.F16);
    Layout layout =
        batches > 1 && o.chance(0.3)
            ? matrices(o, 1, rows, columns).broadcastTo(Shape.of(batches, rows, columns))
            : matrices(o, batches, rows, columns);
    return o.of(type, layout);
  }

  /** A part of larger matrices, transposed or not. */
  private static Layout matrices(Operands o, int batches, int rows, int columns) {
    boolean isTransposed = o.chance(0.5);
    int down = isTransposed ? columns : rows;
    int across = isTransposed ? rows : columns;
    int left = 4 * o.between(0, 2) + off(o);
    int top = o.between(0, 3);
    Shape whole = Shape.of(batches, down + top, across + left + 4 * o.between(0, 2));
    Layout part = Layout.contiguous(whole).narrow(1, top, down).narrow(2, left, across);
    return isTransposed ? part.transpose(1, 2) : part;
  }
}
