package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.tensor.device.RandomInstructions.Generator;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a device has to pass to be one: random instances of every instruction give what the scalar
 * device gives from the same bytes, but for rounding; nothing but the outputs is touched; and the
 * same instruction gives the same bits again. A device is tested by a subclass that opens it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class DeviceParity {
  private final Device scalar = new ScalarDevice();
  private Device device;

  /** The device to test. */
  abstract Device open();

  /** Random instances of each instruction. */
  int cases() {
    return 120;
  }

  @BeforeAll
  void openDevice() {
    device = open();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(device.memory().liveBytes()).isZero();
  }

  @AfterAll
  void closeDevices() {
    device.close();
    scalar.close();
  }

  static List<Class<? extends Instruction>> kinds() {
    return List.copyOf(RandomInstructions.generators().keySet());
  }

  @Test
  void everyInstructionHasAGenerator() {
    assertThat(Stream.of(Instruction.class.getPermittedSubclasses()))
        .containsExactlyInAnyOrderElementsOf(kinds());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void agreesWithTheScalarDevice(Class<? extends Instruction> kind) {
    ParityCheck check = new ParityCheck(scalar, device);
    Generator generator = RandomInstructions.of(kind);
    int telling = 0;
    for (int seed = 0; seed < cases(); seed++) {
      if (check.run(generator, seed) > 0) {
        telling++;
      }
    }
    assertThat(telling).as("cases with a result").isGreaterThan(cases() / 2);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void givesTheSameBitsAgain(Class<? extends Instruction> kind) {
    Generator generator = RandomInstructions.of(kind);
    for (int seed = 0; seed < Math.ceilDiv(cases(), 6); seed++) {
      try (Operands first = new Operands(device, seed);
          Operands second = new Operands(device, seed)) {
        device.prepare(generator.make(first).instruction()).run();
        device.prepare(generator.make(second).instruction()).run();
        for (int i = 0; i < first.buffers().size(); i++) {
          byte[] once = first.bytes(first.buffers().get(i));
          byte[] again = second.bytes(second.buffers().get(i));
          assertThat(Arrays.mismatch(once, again))
              .as("seed %d: first byte of operand %d that differs", seed, i)
              .isEqualTo(-1);
        }
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void refusesFreedMemory(Class<? extends Instruction> kind) {
    Instruction instruction;
    try (Operands operands = new Operands(device, 1)) {
      instruction = RandomInstructions.of(kind).make(operands).instruction();
    }
    assertThatIllegalStateException()
        .isThrownBy(() -> device.prepare(instruction))
        .withMessageContaining("use after free");
  }
}
