package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import org.freetransformer.tensor.device.RandomInstructions.Generator;
import org.freetransformer.tensor.device.simd.SimdDevices;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Neither the number of threads shows in the bits, nor whether vector loops are warm. */
class SimdThreadsTest {
  private static final int CASES = 30;

  static List<Class<? extends Instruction>> kinds() {
    return List.copyOf(RandomInstructions.generators().keySet());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void sameBitsWithAnyNumberOfThreadsColdOrWarm(Class<? extends Instruction> kind) {
    Generator generator = Objects.requireNonNull(RandomInstructions.generators().get(kind));
    try (Device one = SimdDevices.warm(1);
        Device two = SimdDevices.warm(2);
        Device three = SimdDevices.warm(3);
        Device cold = SimdDevices.cold(1)) {
      for (int seed = 0; seed < CASES; seed++) {
        try (Operands expected = new Operands(one, seed)) {
          one.prepare(generator.make(expected).instruction()).run();
          check(generator, seed, expected, two);
          check(generator, seed, expected, three);
          check(generator, seed, expected, cold);
        }
      }
    }
  }

  private static void check(Generator generator, int seed, Operands expected, Device device) {
    try (Operands actual = new Operands(device, seed)) {
      device.prepare(generator.make(actual).instruction()).run();
      for (int i = 0; i < actual.buffers().size(); i++) {
        assertThat(actual.bytes(actual.buffers().get(i)))
            .as("seed %d, %s, operand %d", seed, device.description(), i)
            .isEqualTo(expected.bytes(expected.buffers().get(i)));
      }
    }
  }
}
