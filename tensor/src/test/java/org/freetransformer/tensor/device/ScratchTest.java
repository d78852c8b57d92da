package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.device.RandomInstructions.Generator;
import org.freetransformer.tensor.device.simd.SimdDevices;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kernels share scratch memory. What one left there must not show in another, not even NaN, which a
 * step that overflows leaves: it stays NaN when it meets a zero.
 */
class ScratchTest {
  private static final int CASES = 60;

  static List<Class<? extends Instruction>> kinds() {
    return DeviceParity.kinds();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void whatIsLeftInScratchMemoryDoesNotShow(Class<? extends Instruction> kind) {
    Generator generator = RandomInstructions.of(kind);
    try (Device device = SimdDevices.warm(2)) {
      for (int seed = 0; seed < CASES; seed++) {
        try (Operands clean = new Operands(device, seed);
            Operands spoilt = new Operands(device, seed)) {
          device.prepare(generator.make(clean).instruction()).run();
          Kernel kernel = device.prepare(generator.make(spoilt).instruction());
          SimdDevices.spoilScratch(device);
          kernel.run();
          for (int i = 0; i < clean.buffers().size(); i++) {
            byte[] once = clean.bytes(clean.buffers().get(i));
            byte[] again = spoilt.bytes(spoilt.buffers().get(i));
            assertThat(Arrays.mismatch(once, again))
                .as("seed %d: first byte of operand %d that differs", seed, i)
                .isEqualTo(-1);
          }
        }
      }
    }
  }
}
