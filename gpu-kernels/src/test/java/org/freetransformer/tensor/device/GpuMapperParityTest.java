package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Optional;
import org.freetransformer.gpu.TornadoVm;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction.BinaryMapperBackward;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.freetransformer.tensor.device.RandomInstructions.Generator;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.Test;

/**
 * The mapper's gradient over all plans, whose products go the ways of all products, against the
 * scalar device.
 */
class GpuMapperParityTest {
  private static final int CASES = Integer.getInteger("parity.cases", TornadoVm.isReal() ? 4 : 10);

  private static void check(Device opened, Generator generator, int cases) {
    try (Device scalar = new ScalarDevice();
        Device device = new GpuParityTest.ProgramsOf(opened)) {
      ParityCheck check = new ParityCheck(scalar, device);
      for (int seed = 0; seed < cases; seed++) {
        assertThat(check.run(generator, seed)).isPositive();
      }
      assertThat(device.memory().liveBytes()).isZero();
    }
  }

  @Test
  void productsAreThePlainKernels() {
    check(TornadoVm.open(), o -> gradient(o, o.between(1, 80), o.between(4, 9)), CASES);
  }

  /** 2^14 plans leave room for 256 rows at a time. {@code MapperLoweringTest} has it anywhere. */
  @Test
  void manyRowsAreTakenInPieces() {
    assumeTrue(TornadoVm.isReal(), "no device of TornadoVM: as Java this takes half a minute");
    check(TornadoVm.open(), o -> gradient(o, 259, 14), 1);
  }

  /** Tiles that do not fit have scratch memory of their own beside the products'. */
  @Test
  void productsGoToTensorCores() {
    checkLarge(TornadoVm.openTensorCores(), "TornadoVM has no tensor cores on this device");
  }

  @Test
  void productsGoToCuBlas() {
    checkLarge(TornadoVm.openCuBlas(), "TornadoVM has no cuBLAS on this device");
  }

  private static void checkLarge(Optional<Device> opened, String otherwise) {
    assumeTrue(opened.isPresent(), otherwise);
    check(opened.get(), o -> gradient(o, o.between(64, 130), o.between(6, 8)), CASES);
  }

  private static Case gradient(Operands o, int rows, int bits) {
    int columns = bits > 10 ? o.between(1, 4) : o.between(16, 70);
    int plans = 1 << bits;
    Buffer logits = o.of(type(o), o.contiguous(rows, bits), o.logits((long) rows * bits));
    Buffer indices = o.of(DType.I32, o.contiguous(rows), o.integers(rows, 0, plans - 1));
    Buffer dr = o.of(type(o), o.contiguous(rows, columns));
    Buffer table = o.of(type(o), o.contiguous(plans, columns));
    Output dlogits = o.output(type(o), o.contiguous(rows, bits));
    return new Case(
        new BinaryMapperBackward(logits, indices, dr, table, true, dlogits),
        32 + columns + 8 * bits);
  }

  private static DType type(Operands o) {
    return o.oneOf(DType.F32, DType.BF16, DType.BF16, DType.F16);
  }
}
