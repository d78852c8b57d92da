package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
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

  /** Each output takes the place of another operand, the first that of number {@code choice}. */
  private static int compare(
      Device device,
      Operands apart,
      Instruction plain,
      Operands inPlace,
      Instruction other,
      int choice)
      throws Exception {
    List<Output> expected = outputs(plain);
    List<Output> outputs = new ArrayList<>(outputs(other));
    int choices = other.replaceable().size();
    int replaced = 0;
    for (int i = 0; i < Math.min(outputs.size(), choices); i++) {
      Buffer operand = other.replaceable().get((choice + i) % choices);
      if (mayReplace(other, operand, outputs.get(i))) {
        outputs.set(i, Output.to(operand));
        replaced++;
      }
    }
    if (replaced == 0) {
      return 0;
    }
    device.prepare(plain).run();
    device.prepare(withOutputs(other, outputs)).run();
    for (int i = 0; i < outputs.size(); i++) {
      assertThat(inPlace.values(outputs.get(i).buffer()))
          .as("%s into %s", plain, outputs)
          .containsExactly(apart.values(expected.get(i).buffer()));
    }
    return 1;
  }

  private static boolean mayReplace(Instruction instruction, Buffer operand, Output output) {
    return !output.accumulate()
        && operand.shape().equals(output.buffer().shape())
        && operand.dtype() == output.buffer().dtype()
        && !isRepeated(operand)
        && instruction.reads().stream().filter(operand::equals).count() == 1;
  }

  private static boolean isRepeated(Buffer buffer) {
    return IntStream.range(0, buffer.shape().rank())
        .anyMatch(axis -> buffer.dim(axis) > 1 && buffer.layout().stride(axis) == 0);
  }

  /** Those that are wanted. */
  private static List<Output> outputs(Instruction instruction) throws Exception {
    List<Output> outputs = new ArrayList<>();
    for (RecordComponent component : instruction.getClass().getRecordComponents()) {
      if (component.getAccessor().invoke(instruction) instanceof Output output) {
        outputs.add(output);
      }
    }
    return outputs;
  }

  private static Instruction withOutputs(Instruction instruction, List<Output> outputs)
      throws Exception {
    Iterator<Output> next = outputs.iterator();
    RecordComponent[] components = instruction.getClass().getRecordComponents();
    Object[] values = new Object[components.length];
    for (int i = 0; i < values.length; i++) {
      Object value = components[i].getAccessor().invoke(instruction);
      values[i] = value instanceof Output ? next.next() : value;
    }
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    Constructor<? extends Instruction> made = instruction.getClass().getDeclaredConstructor(types);
    return made.newInstance(values);
  }
}
