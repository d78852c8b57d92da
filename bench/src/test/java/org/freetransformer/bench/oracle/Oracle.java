package org.freetransformer.bench.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;

/** Compares a function of tensors with libtorch's: the value, and the gradient of every operand. */
final class Oracle implements AutoCloseable {
  /** Rounding of f32, as a share of the largest magnitude in the array that is compared. */
  static final double TOLERANCE = 2e-5;

  /** The function on our side. */
  @FunctionalInterface
  interface Ours {
    Tensor apply(List<Tensor> operands);
  }

  /** The same on libtorch's; what it makes belongs to the manager. */
  @FunctionalInterface
  interface Theirs {
    NDArray apply(NDManager manager, List<NDArray> operands);
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared as a record
  private record Outcome(int[] dims, float[] value, List<float[]> gradients) {}

  private final List<Engine> engines;

  /** Skips the test that makes it, with the reason, where libtorch is missing. */
  Oracle() {
    String why = Libtorch.whyMissing().orElse("");
    assumeTrue(why.isEmpty(), "nothing was compared: " + why);
    engines = TestDevices.all().stream().map(Engine::on).toList();
  }

  /** The engines of all devices that are compared. */
  List<Engine> engines() {
    return engines;
  }

  /** Fails unless values and gradients agree on every device. */
  void check(String what, Ours ours, Theirs theirs, Operand... operands) {
    Outcome expected = theirs(theirs, operands);
    for (Engine engine : engines) {
      Outcome actual = ours(engine, ours, expected, operands);
      String where = "%s on %s".formatted(what, engine.device().name());
      assertThat(actual.dims()).as(where).containsExactly(expected.dims());
      assertClose(where, actual.value(), expected.value());
      for (int i = 0; i < operands.length; i++) {
        if (operands[i].differentiable()) {
          assertClose(
              "%s, gradient of operand %d %s".formatted(where, i, shapeOf(operands[i])),
              actual.gradients().get(i),
              expected.gradients().get(i));
        }
      }
    }
  }

  private static Outcome theirs(Theirs function, Operand... operands) {
    try (NDManager manager = Libtorch.newManager();
        Libtorch.Tape tape = Libtorch.tape()) {
      List<NDArray> inputs = new ArrayList<>();
      for (Operand operand : operands) {
        NDArray input = manager.create(operand.values(), torchShape(operand.dims()));
        input.setRequiresGradient(operand.differentiable());
        inputs.add(input);
      }
      NDArray y = function.apply(manager, inputs);
      if (Arrays.stream(operands).noneMatch(Operand::differentiable)) {
        return new Outcome(dims(y), y.toFloatArray(), List.of());
      }
      tape.backward(y, manager.create(upstream(dims(y)), y.getShape()));
      List<float[]> gradients = new ArrayList<>();
      for (int i = 0; i < operands.length; i++) {
        gradients.add(
            operands[i].differentiable()
                ? inputs.get(i).getGradient().toFloatArray()
                : new float[0]);
      }
      return new Outcome(dims(y), y.toFloatArray(), gradients);
    }
  }

  private static Outcome ours(Engine engine, Ours function, Outcome expected, Operand... operands) {
    try (Scope _ = engine.scope("oracle")) {
      List<Tensor> inputs = new ArrayList<>();
      for (Operand operand : operands) {
        Tensor input = engine.tensor(operand.values(), operand.dims());
        inputs.add(operand.differentiable() ? input.requireGrad() : input);
      }
      Tensor y = function.apply(inputs);
      int[] dims = y.shape().toArray();
      List<float[]> gradients = new ArrayList<>();
      if (!expected.gradients().isEmpty() && Arrays.equals(dims, expected.dims())) {
        y.backward(engine.tensor(upstream(dims), dims));
        for (Tensor input : inputs) {
          Tensor gradient = input.grad();
          gradients.add(gradient == null ? new float[0] : gradient.toFloats());
          if (gradient != null) {
            gradient.close();
          }
        }
      }
      return new Outcome(dims, y.toFloats(), gradients);
    }
  }

  /** A random gradient of the result, the same on both sides. */
  private static float[] upstream(int[] dims) {
    return Operand.normal(new SplittableRandom(1234), dims).values();
  }

  /** Fails unless all numbers agree but for rounding. */
  static void assertClose(String what, float[] actual, float[] expected) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    double largest = 1;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < actual.length; i++) {
      boolean bothInfinite = actual[i] == expected[i];
      if (!bothInfinite && !(Math.abs(actual[i] - expected[i]) <= TOLERANCE * largest)) {
        throw new AssertionError(
            "%s: element %d of %d is %s, libtorch has %s"
                .formatted(what, i, actual.length, actual[i], expected[i]));
      }
    }
  }

  private static String shapeOf(Operand operand) {
    return Arrays.toString(operand.dims());
  }

  private static int[] dims(NDArray array) {
    return Arrays.stream(array.getShape().getShape()).mapToInt(Math::toIntExact).toArray();
  }

  /** Sizes as libtorch takes them. */
  static ai.djl.ndarray.types.Shape torchShape(int... dims) {
    return new ai.djl.ndarray.types.Shape(Arrays.stream(dims).asLongStream().toArray());
  }

  @Override
  public void close() {
    engines.forEach(Engine::close);
  }
}
