package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.Test;

/**
 * An output that takes the place of an operand of which the instruction says so is the same, to the
 * bit, as one in memory of its own.
 */
class InPlaceTest {
  private static final int CASES = 60;

  @Test
  void onTheScalarDevice() throws Exception {
    requireSame(ScalarDevice::new);
  }

  @Test
  void onTheSimdDevice() throws Exception {
    requireSame(() -> Devices.cpu(2));
  }

  private static void requireSame(Supplier<Device> devices) throws Exception {
    try (Device device = devices.get()) {
      for (Class<? extends Instruction> kind : RandomInstructions.generators().keySet()) {
        int compared = 0;
        boolean mayReplace = false;
        for (long seed = 0; seed < CASES; seed++) {
          try (Operands apart = new Operands(device, seed);
              Operands inPlace = new Operands(device, seed)) {
            Instruction plain = RandomInstructions.of(kind).make(apart).instruction();
            Instruction other = RandomInstructions.of(kind).make(inPlace).instruction();
            int choices = plain.replaceable().size();
            if (choices > 0) {
              mayReplace = true;
              compared += compare(device, apart, plain, inPlace, other, (int) seed % choices);
            }
          }
        }
        if (mayReplace) {
          assertThat(compared).as("%s in place", kind.getSimpleName()).isGreaterThan(10);
        }
      }
    }
  }

  private static int compare(
      Device device, Operands apart, Instruction plain, Operands inPlace, Instruction other, int i)
      throws Exception {
    Buffer operand = other.replaceable().get(i);
    Output output = output(plain);
    boolean alike =
        !output.accumulate()
            && operand.shape().equals(output.buffer().shape())
            && operand.dtype() == output.buffer().dtype()
            && !isRepeated(operand)
            && other.reads().stream().filter(operand::equals).count() == 1;
    if (!alike) {
      return 0;
    }
    device.prepare(plain).run();
    device.prepare(withOutput(other, Output.to(operand))).run();
    assertThat(inPlace.values(operand))
        .as("%s in place of %s", plain, operand)
        .containsExactly(apart.values(output.buffer()));
    return 1;
  }

  private static boolean isRepeated(Buffer buffer) {
    return IntStream.range(0, buffer.shape().rank())
        .anyMatch(axis -> buffer.dim(axis) > 1 && buffer.layout().stride(axis) == 0);
  }

  private static Output output(Instruction instruction) throws Exception {
    for (RecordComponent component : instruction.getClass().getRecordComponents()) {
      if (component.getType() == Output.class) {
        return (Output) component.getAccessor().invoke(instruction);
      }
    }
    throw new AssertionError("no output: " + instruction);
  }

  private static Instruction withOutput(Instruction instruction, Output output) throws Exception {
    RecordComponent[] components = instruction.getClass().getRecordComponents();
    Object[] values = new Object[components.length];
    for (int i = 0; i < values.length; i++) {
      boolean replaced = components[i].getType() == Output.class;
      values[i] = replaced ? output : components[i].getAccessor().invoke(instruction);
    }
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    Constructor<? extends Instruction> made = instruction.getClass().getDeclaredConstructor(types);
    return made.newInstance(values);
  }
}
