package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.gpu.TornadoVm;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction.Reduce;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.Test;

/**
 * Few results of very many numbers each, which are reduced in blocks, against the scalar device.
 */
class GpuReduceParityTest {
  private static final int CASES = Integer.getInteger("parity.cases", TornadoVm.isReal() ? 8 : 30);

  @Test
  void agreesWithTheScalarDevice() {
    try (Device scalar = new ScalarDevice();
        Device device = new GpuParityTest.ProgramsOf(TornadoVm.open())) {
      ParityCheck check = new ParityCheck(scalar, device);
      for (int seed = 0; seed < CASES; seed++) {
        assertThat(check.run(GpuReduceParityTest::reduction, seed)).isPositive();
      }
      assertThat(device.memory().liveBytes()).isZero();
    }
  }

  /** Counts around a block's and a half's ends, of any layout and type. */
  private static Case reduction(Operands o) {
    int count = o.chance(0.5) ? o.between(16_380, 16_390) : o.between(16_385, 50_000);
    int rows = o.chance(0.3) ? 1 : o.between(2, 5);
    int halves = o.chance(0.5) ? 1 : 2;
    int[] dims = o.chance(0.5) ? new int[] {rows, count} : new int[] {count / halves, rows, halves};
    int[] results = dims.length == 2 ? new int[] {rows, 1} : new int[] {1, rows, 1};
    Buffer in = o.of(o.oneOf(DType.F32, DType.F32, DType.BF16, DType.F16), o.broadcast(dims));
    Output out = o.output(o.oneOf(DType.F32, DType.F32, DType.BF16), o.strided(results));
    // Blocks add up in each item, over the group, and in the end.
    return new Case(new Reduce(o.oneOf(ReduceFunction.values()), in, out), 300);
  }
}
