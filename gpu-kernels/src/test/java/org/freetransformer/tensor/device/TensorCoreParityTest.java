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
import org.freetransformer.tensor.device.RandomInstructions.Generator;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.Test;

/**
 * Products of 16-bit numbers on tensor cores against the scalar device: on a real device where
 * TornadoVM's CUDA backend is, else the kernels' Java bodies, with the instructions of a warp as
 * the PTX ISA describes them. Not at all on a device of another backend.
 */
class TensorCoreParityTest {
  private static final int CASES = Integer.getInteger("parity.cases", 24);

  @Test
  void agreesWithTheScalarDevice() {
    check(TensorCoreParityTest::anyProduct, CASES);
  }

  /** Results that the tiles fit, so that they go straight to them. */
  @Test
  void fitsWholeTiles() {
    check(TensorCoreParityTest::wholeTiles, Math.ceilDiv(CASES, 4));
  }

  private static void check(Generator generator, int cases) {
    Optional<Device> opened = TornadoVm.openTensorCores();
    assumeTrue(opened.isPresent(), "TornadoVM has no tensor cores on this device");
    try (Device scalar = new ScalarDevice();
        Device device = new GpuParityTest.ProgramsOf(opened.get())) {
      ParityCheck check = new ParityCheck(scalar, device);
      for (int seed = 0; seed < cases; seed++) {
        assertThat(check.run(generator, seed)).isPositive();
      }
      assertThat(device.memory().liveBytes()).isZero();
    }
  }

  /** Any layouts, with sides and a shared dimension that end anywhere. */
  private static Case anyProduct(Operands o) {
    DType type = o.oneOf(DType.BF16, DType.F16);
    int m = side(o);
    int n = side(o);
    int k = o.chance(0.3) ? o.between(16, 130) : o.between(16, 40);
    int batches = o.chance(0.3) ? o.between(2, 3) : 1;
    Layout a = operand(o, batches, m, k);
    Layout b = operand(o, batches, k, n);
    Layout out = batches == 1 ? o.strided(m, n) : o.strided(batches, m, n);
    double alpha = o.chance(0.5) ? 1 : o.normal(1)[0];
    DType result = o.oneOf(DType.F32, DType.BF16, DType.F16);
    DType first = type == DType.BF16 && o.chance(0.5) ? DType.F32 : type;
    return product(o.of(first, a), o.of(type, b), alpha, o.output(result, out));
  }

  private static int side(Operands o) {
    return o.chance(0.3) ? 128 : o.between(64, 150);
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

  private static Case wholeTiles(Operands o) {
    DType type = o.oneOf(DType.BF16, DType.F16);
    int n = 128 * o.between(1, 2);
    int k = o.between(16, 80);
    Layout a = o.strided(2, 128, k);
    Layout b = o.strided(2, k, n);
    Output out = Output.to(o.blank(DType.F32, o.contiguous(2, 128, n)));
    DType first = type == DType.BF16 && o.chance(0.5) ? DType.F32 : type;
    return product(o.of(first, a), o.of(type, b), 1, out);
  }

  private static Case product(Buffer a, Buffer b, double alpha, Output out) {
    MatMul op = new MatMul(a, b, alpha, out);
    assertThat(TornadoVm.takesTensorCores(op)).as("%s", op).isTrue();
    int parts = a.dtype() == DType.F32 ? 3 : 1; // Of an f32 operand, summed one behind the other.
    return new Case(op, parts * a.dim(-1) + 1);
  }
}
