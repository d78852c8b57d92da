package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.Consumer;
import org.freetransformer.tensor.device.RandomInstructions.Generator;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The parity check finds devices that are a little wrong, whatever the instruction. */
class ParityCheckTest {
  static List<Class<? extends Instruction>> kinds() {
    return DeviceParity.kinds();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void instructionsAreOfTheirKind(Class<? extends Instruction> kind) {
    try (Device device = new ScalarDevice();
        Operands operands = new Operands(device, 3)) {
      assertThat(RandomInstructions.of(kind).make(operands).instruction()).isInstanceOf(kind);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void oneElementThatIsOffIsFound(Class<? extends Instruction> kind) {
    assertFound(kind, ParityCheckTest::spoilLastElement, "expected");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void oneByteTooFarIsFound(Class<? extends Instruction> kind) {
    assertFound(kind, ParityCheckTest::spoilByteAfterEnd, "changed bytes outside");
  }

  private static void assertFound(
      Class<? extends Instruction> kind, Consumer<Buffer> spoil, String message) {
    Generator generator = RandomInstructions.of(kind);
    try (Device oracle = new ScalarDevice();
        Device spoiled = new SpoiledDevice(spoil)) {
      ParityCheck check = new ParityCheck(oracle, spoiled);
      assertThatExceptionOfType(AssertionError.class)
          .isThrownBy(() -> {
            for (int seed = 0; seed < 20; seed++) {
              check.run(generator, seed);
            }
          })
          .withMessageContaining(message);
    }
  }

  /** Off by some hundredths, or by one in an integer. */
  private static void spoilLastElement(Buffer buffer) {
    if (buffer.size() == 0) {
      return;
    }
    MemorySegment memory = CpuDevice.segment(buffer);
    long at = buffer.layout().end() - 1;
    switch (buffer.dtype()) {
      case F64 -> {
        double value = memory.getAtIndex(ValueLayout.JAVA_DOUBLE, at);
        memory.setAtIndex(ValueLayout.JAVA_DOUBLE, at, value * 1.02 + 0.02);
      }
      case F32 -> {
        float value = memory.getAtIndex(ValueLayout.JAVA_FLOAT, at);
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, at, value * 1.02f + 0.02f);
      }
      case I32 -> {
        int value = memory.getAtIndex(ValueLayout.JAVA_INT, at);
        memory.setAtIndex(ValueLayout.JAVA_INT, at, value + 1);
      }
      case BF16, F16, U8, I8 -> {}
    }
  }

  private static void spoilByteAfterEnd(Buffer buffer) {
    long at = buffer.layout().end() * buffer.dtype().bytes();
    if (at < buffer.storage().bytes()) {
      MemorySegment memory = CpuDevice.segment(buffer);
      memory.set(ValueLayout.JAVA_BYTE, at, (byte) ~memory.get(ValueLayout.JAVA_BYTE, at));
    }
  }

  /** A scalar device that spoils the first output of every instruction. */
  private static final class SpoiledDevice extends CpuDevice {
    private final ScalarDevice right = new ScalarDevice();
    private final Consumer<Buffer> spoil;

    SpoiledDevice(Consumer<Buffer> spoil) {
      this.spoil = spoil;
    }

    @Override
    public String name() {
      return "spoiled";
    }

    @Override
    public String description() {
      return "computes a little wrong";
    }

    @Override
    public Kernel prepare(Instruction instruction) {
      Kernel kernel = right.prepare(instruction);
      return () -> {
        kernel.run();
        spoil.accept(instruction.writes().getFirst());
      };
    }
  }
}
