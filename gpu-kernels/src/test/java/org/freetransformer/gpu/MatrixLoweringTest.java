package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.gpu.AbsentBuffers.buffer;
import static org.freetransformer.gpu.AbsentBuffers.matrix;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Instruction.Reduce;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.ReduceFunction;
import org.junit.jupiter.api.Test;

/** Which operands of a product are read by four, and which sums are cut into blocks. */
class MatrixLoweringTest {
  /** Of 64 × 64 numbers. */
  private static int readingOf(DType type, Layout layout) {
    MatMul op =
        new MatMul(
            buffer(type, layout),
            buffer(DType.F32, 64, 63),
            1,
            Output.to(buffer(DType.F32, 64, 63)));
    int[] args = new MatrixLowering(_ -> 0, _ -> 0, _ -> 0).matMul(op).args();
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

  private static List<Integer> groupsOfSum(int results, int count) {
    Buffer in = buffer(DType.F32, results, count);
    Reduce sum = new Reduce(ReduceFunction.SUM, in, Output.to(buffer(DType.F32, results, 1)));
    return new MatrixLowering(_ -> 0, _ -> 0, _ -> 0)
        .reduce(sum).stream().map(Launch::groups).toList();
  }

  @Test
  void fewResultsOfManyNumbersAreSummedInBlocks() {
    assertThat(groupsOfSum(1, 1 << 14)).containsExactly(1);
    assertThat(groupsOfSum(1, (1 << 14) + 1)).containsExactly(3, 1);
    assertThat(groupsOfSum(3, 1 << 20)).containsExactly(3 * 128, 3);
    assertThat(groupsOfSum(1024, 1 << 15)).containsExactly(1024);
  }
}
