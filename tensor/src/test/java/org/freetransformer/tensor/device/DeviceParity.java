package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.fail;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.freetransformer.tensor.device.RandomInstructions.Generator;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a device has to pass to be one: random instances of every instruction give what the scalar
 * device gives from the same bytes, but for rounding; nothing but the outputs is touched; and the
 * same instruction gives the same bits again. A device is tested by a subclass that makes it.
 */
abstract class DeviceParity {
  /** Random instances of each instruction. */
  private static final int CASES = 120;

  private final Device scalar = new ScalarDevice();
  private Device device;

  /** The device to test. */
  abstract Device open();

  @BeforeEach
  void openDevice() {
    device = open();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(device.memory().liveBytes()).isZero();
    device.close();
    scalar.close();
  }

  static List<Class<? extends Instruction>> kinds() {
    return List.copyOf(RandomInstructions.generators().keySet());
  }

  @Test
  void everyInstructionHasAGenerator() {
    assertThat(Stream.of(Instruction.class.getPermittedSubclasses()).filter(Class::isRecord))
        .containsExactlyInAnyOrderElementsOf(RandomInstructions.generators().keySet());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void agreesWithTheScalarDevice(Class<? extends Instruction> kind) {
    Generator generator = generator(kind);
    int telling = 0;
    for (int seed = 0; seed < CASES; seed++) {
      try (Operands expected = new Operands(scalar, seed);
          Operands actual = new Operands(device, seed)) {
        Case oracle = generator.make(expected);
        Case tested = generator.make(actual);
        assertThat(tested.instruction()).isInstanceOf(kind);
        scalar.prepare(oracle.instruction()).run();
        device.prepare(tested.instruction()).run();
        String name = "seed %d: %s".formatted(seed, tested.instruction());
        if (compare(name, tested, expected, actual)) {
          telling++;
        }
      }
    }
    assertThat(telling).as("cases with a result").isGreaterThan(CASES / 2);
  }

  /** Compares every buffer; says whether any element was computed at all. */
  private static boolean compare(String name, Case tested, Operands expected, Operands actual) {
    List<Buffer> writes = tested.instruction().writes();
    long computed = 0;
    for (int i = 0; i < actual.buffers().size(); i++) {
      Buffer buffer = actual.buffers().get(i);
      boolean written = writes.contains(buffer);
      assertThat(actual.strayBytes(i, written).toString())
          .as("%s: changed bytes outside of operand %d, %s", name, i, buffer)
          .isEqualTo("{}");
      if (written) {
        computed += buffer.size();
        assertClose(
            "%s: operand %d, %s".formatted(name, i, buffer),
            expected.values(expected.buffers().get(i)),
            actual.values(buffer),
            tolerance(tested.length(), buffer.dtype()));
      }
    }
    return computed > 0;
  }

  /** Grows with the number of roundings that add up; 0 asks for the same number. */
  private static double tolerance(int length, DType dtype) {
    double rounding =
        switch (dtype) {
          case F64 -> 0x1p-52;
          case F32 -> 0x1p-23;
          case F16 -> 0x1p-10;
          case BF16 -> 0x1p-7;
          case I32, U8 -> 0;
        };
    return length == 0 ? 0 : rounding * (2 + 2 * length);
  }

  private static void assertClose(
      String name, double[] expected, double[] actual, double tolerance) {
    assertThat(actual).as(name).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      if (Double.compare(expected[i], actual[i]) == 0 || expected[i] == actual[i]) {
        continue;
      }
      double error = Math.abs(expected[i] - actual[i]);
      // Written so that a NaN fails: it is within nothing.
      if (!(error <= tolerance * (1 + Math.abs(expected[i])))) {
        fail("%s, element %d: expected %s, was %s".formatted(name, i, expected[i], actual[i]));
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void givesTheSameBitsAgain(Class<? extends Instruction> kind) {
    Generator generator = generator(kind);
    for (int seed = 0; seed < CASES / 4; seed++) {
      try (Operands first = new Operands(device, seed);
          Operands second = new Operands(device, seed)) {
        device.prepare(generator.make(first).instruction()).run();
        device.prepare(generator.make(second).instruction()).run();
        for (int i = 0; i < first.buffers().size(); i++) {
          assertThat(second.bytes(second.buffers().get(i)))
              .isEqualTo(first.bytes(first.buffers().get(i)));
        }
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void refusesFreedMemory(Class<? extends Instruction> kind) {
    Instruction instruction;
    try (Operands operands = new Operands(device, 1)) {
      instruction = generator(kind).make(operands).instruction();
    }
    assertThatIllegalStateException()
        .isThrownBy(() -> device.prepare(instruction))
        .withMessageContaining("use after free");
  }

  private static Generator generator(Class<? extends Instruction> kind) {
    return Objects.requireNonNull(RandomInstructions.generators().get(kind));
  }
}
