package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.freetransformer.tensor.device.RandomInstructions.Generator;

/** Runs one random instruction on two devices, from the same bytes, and compares all of them. */
final class ParityCheck {
  private final Device oracle;
  private final Device device;

  ParityCheck(Device oracle, Device device) {
    this.oracle = oracle;
    this.device = device;
  }

  /**
   * Checks the instruction that a generator makes of a seed.
   *
   * @return how many elements were computed
   * @throws AssertionError if results differ by more than rounding, or other bytes were touched
   */
  long run(Generator generator, long seed) {
    try (Operands expected = new Operands(oracle, seed);
        Operands actual = new Operands(device, seed)) {
      Case known = generator.make(expected);
      Case tested = generator.make(actual);
      oracle.prepare(known.instruction()).run();
      device.prepare(tested.instruction()).run();
      return compare("seed %d: %s".formatted(seed, tested.instruction()), tested, expected, actual);
    }
  }

  private static long compare(String name, Case tested, Operands expected, Operands actual) {
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
    return computed;
  }

  /**
   * Grows with the number of roundings that add up, which are of f32 for a result of 16 bits, too;
   * 0 asks for the same number.
   */
  private static double tolerance(int length, DType dtype) {
    double sums = 2 + 2.0 * length;
    double tolerance =
        switch (dtype) {
          case F64 -> 0x1p-52 * sums;
          case F32 -> 0x1p-23 * sums;
          case F16 -> 0x1p-10 + 0x1p-23 * sums;
          case BF16 -> 0x1p-7 + 0x1p-23 * sums;
          case I32, U8, I8 -> 0;
        };
    return length == 0 ? 0 : tolerance;
  }

  private static void assertClose(
      String name, double[] expected, double[] actual, double tolerance) {
    assertThat(actual.length).as(name).isEqualTo(expected.length);
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
}
