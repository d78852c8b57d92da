package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.gpu.AbsentBuffers.buffer;
import static org.freetransformer.gpu.AbsentBuffers.matrix;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Output;
import org.junit.jupiter.api.Test;

/** Which operands of a product are read, and which results written, by four. */
class MatrixLoweringTest {
  /** Of 64 × 64 numbers. */
  private static int readingOf(DType type, Layout layout) {
    MatMul op =
        new MatMul(
            buffer(type, layout),
            buffer(DType.F32, 64, 63),
            1,
            Output.to(buffer(DType.F32, 64, 63)));
    int[] args = new MatrixLowering(_ -> 0, _ -> 0).matMul(op).args();
    assertThat(args[22]).as("rows of 63").isEqualTo(Halves.F32);
    return args[21];
  }

  @Test
  void alignedRowsOrColumnsAreReadByFour() {
    Layout rows = matrix(64, 64);
    assertThat(readingOf(DType.F32, rows)).isEqualTo(MatMulKernels.FOURS + Halves.F32);
    assertThat(readingOf(DType.F32, rows.transpose(0, 1)))
        .isEqualTo(MatMulKernels.FOURS + Halves.F32);
    assertThat(readingOf(DType.BF16, rows)).isEqualTo(MatMulKernels.FOURS + Halves.BF16);
    assertThat(readingOf(DType.F16, rows)).isEqualTo(MatMulKernels.FOURS + Halves.F16);
    Layout part = matrix(70, 72).narrow(0, 3, 64).narrow(1, 8, 64);
    assertThat(readingOf(DType.F32, part)).isEqualTo(MatMulKernels.FOURS + Halves.F32);
    Layout repeated = matrix(1, 64).broadcastTo(Shape.of(64, 64));
    assertThat(readingOf(DType.F32, repeated)).isEqualTo(MatMulKernels.FOURS + Halves.F32);
  }

  @Test
  void allOthersAreReadOneByOne() {
    assertThat(readingOf(DType.F32, matrix(64, 66).narrow(1, 0, 64))).isEqualTo(Halves.F32);
    assertThat(readingOf(DType.BF16, matrix(64, 68).narrow(1, 2, 64))).isEqualTo(Halves.BF16);
    Layout apart = Layout.contiguous(Shape.of(64, 64, 4)).narrow(2, 0, 1).reshape(Shape.of(64, 64));
    assertThat(readingOf(DType.F32, apart)).isEqualTo(Halves.F32);
  }
}
