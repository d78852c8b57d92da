package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Optional;
import org.freetransformer.gpu.TornadoVm;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.Test;

/**
 * Products by cuBLAS against the scalar device, in several pieces each: on a real device where
 * TornadoVM's CUDA backend is, else by the library's meaning in Java. Not at all on a device of
 * another backend.
 */
class CuBlasParityTest {
  private static final int CASES = Integer.getInteger("parity.cases", 24);

  @Test
  void agreesWithTheScalarDevice() {
    Optional<Device> opened = TornadoVm.openCuBlas();
    assumeTrue(opened.isPresent(), "TornadoVM has no cuBLAS on this device");
    try (Device scalar = new ScalarDevice();
        Device device = new GpuParityTest.ProgramsOf(opened.get())) {
      ParityCheck check = new ParityCheck(scalar, device);
      for (int seed = 0; seed < CASES; seed++) {
        assertThat(check.run(CuBlasParityTest::product, seed)).isPositive();
      }
      assertThat(device.memory().liveBytes()).isZero();
    }
  }

  /** Any layouts and types, with sides and a shared dimension that end anywhere. */
  private static Case product(Operands o) {
    int m = o.between(64, 200);
    int n = o.between(64, 200);
    int k = o.chance(0.3) ? o.between(1, 16) : o.between(100, 200);
    int batches = o.chance(0.3) ? 2 : 1;
    Buffer a = o.of(type(o), operand(o, batches, m, k));
    Buffer b = o.of(type(o), operand(o, batches, k, n));
    double alpha = o.chance(0.5) ? 1 : o.normal(1)[0];
    Layout out = batches == 1 ? o.strided(m, n) : o.strided(batches, m, n);
    MatMul op = new MatMul(a, b, alpha, o.output(type(o), out));
    assertThat(TornadoVm.takesCuBlas(op)).as("%s", op).isTrue();
    return new Case(op, k + 1);
  }

  private static DType type(Operands o) {
    return o.oneOf(DType.F32, DType.F32, DType.BF16, DType.F16);
  }

  /** A batch of matrices, one for all of it, or a matrix. */
  private static Layout operand(Operands o, int batches, int rows, int columns) {
    if (batches == 1) {
      return o.strided(rows, columns);
    }
    return o.chance(0.4)
        ? o.strided(1, rows, columns).broadcastTo(Shape.of(batches, rows, columns))
        : o.strided(batches, rows, columns);
  }
}
