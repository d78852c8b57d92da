package org.freetransformer.tensor.autograd;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/**
 * Compares the gradients of a backward pass with central finite differences, as {@code
 * torch.autograd.gradcheck} does: whoever writes an operation learns whether its backward belongs
 * to its forward. For every element x of every input, backward must give {@code (f(x + h) − f(x −
 * h)) / 2h} up to {@code absolute + relative·|difference|}.
 *
 * <pre>{@code
 * Tensor x = engine.tensor(new double[] {1, 2, 3}, 3).requireGrad();
 * GradientCheck.standard().require(() -> x.square().sum(), x);
 * }</pre>
 *
 * <p>Everything is computed in f64, since differences in f32 are wrong in the third digit: a device
 * is needed that computes f64. The function must be smooth near its inputs. Random numbers stand
 * still: before every evaluation the engine's stream goes back to the start of its step.
 *
 * @param step h, for inputs up to 1 in size; larger ones move by {@code h·|x|}
 * @param absolute the error that is allowed near 0
 * @param relative the error that is allowed in proportion to the difference
 */
public record GradientCheck(double step, double absolute, double relative) {
  /** The usual settings, near the best that f64 can do: h 1e-5, tolerances 1e-8 and 1e-6. */
  public static GradientCheck standard() {
    return new GradientCheck(1e-5, 1e-8, 1e-6);
  }

  /**
   * What a comparison found, and the element at which the two disagree most.
   *
   * @param elements how many elements were compared
   * @param wrong how many of them differ by more than is allowed
   * @param input position of the worst element's tensor among the inputs
   * @param index the worst element's place in it
   * @param backward what the backward pass gave there
   * @param difference what finite differences gave there
   */
  public record Report(
      long elements,
      long wrong,
      int input,
      List<Integer> index,
      double backward,
      double difference) {
    /** Whether no element is wrong. */
    public boolean passed() {
      return wrong == 0;
    }

    @Override
    public String toString() {
      if (elements == 0) {
        return "no elements to compare";
      }
      return "%d of %d gradients are wrong; worst: input %d at %s, backward gives %s, differences %s"
          .formatted(wrong, elements, input, index, backward, difference);
    }
  }

  /**
   * Demands that backward and differences agree.
   *
   * @param function computes one number from the inputs, anew at each call
   * @param inputs what to differentiate by: f64 leaves that require a gradient
   * @throws AssertionError if they disagree, with the worst element
   * @throws IllegalArgumentException if an input or the result is not as described
   */
  public void require(Supplier<Tensor> function, Tensor... inputs) {
    Report report = compare(function, inputs);
    if (!report.passed()) {
      throw new AssertionError(report.toString());
    }
  }

  /**
   * Compares backward and differences. The inputs have their values and gradients back afterwards;
   * other leaves that the function uses get gradients as from any backward pass.
   *
   * @param function computes one number from the inputs, anew at each call
   * @param inputs what to differentiate by: f64 leaves that require a gradient
   * @throws IllegalArgumentException if an input or the result is not as described
   */
  public Report compare(Supplier<Tensor> function, Tensor... inputs) {
    if (inputs.length == 0) {
      throw new IllegalArgumentException("a gradient check needs at least one input");
    }
    for (int i = 0; i < inputs.length; i++) {
      requireUsable(inputs[i], i);
      int first = Arrays.asList(inputs).indexOf(inputs[i]);
      if (first != i) {
        throw new IllegalArgumentException(
            "input %d is input %d again: give each tensor once".formatted(i, first));
      }
    }
    List<double[]> gradients = gradients(function, inputs);
    Worst worst = new Worst();
    for (int i = 0; i < inputs.length; i++) {
      double[] values = inputs[i].toDoubles();
      for (int element = 0; element < values.length; element++) {
        double difference = difference(function, inputs[i], values, element);
        worst.add(i, inputs[i].shape(), element, gradients.get(i)[element], difference);
      }
    }
    return worst.report();
  }

  private static void requireUsable(Tensor input, int position) {
    boolean overlaps = false;
    for (int axis = 0; axis < input.shape().rank(); axis++) {
      overlaps |=
          input.layout().stride(axis) == 0 && input.dim(axis) > 1 && input.shape().size() > 0;
    }
    if (input.dtype() != DType.F64 || input.node() != null || !input.requiresGrad() || overlaps) {
      throw new IllegalArgumentException(
          "input %d (%s) cannot be checked: allowed are f64 leaves that require a gradient and"
                  .formatted(position, input)
              + " whose elements have a place each");
    }
  }

  /** What backward gives; an input that the function does not use has gradient 0. */
  private static List<double[]> gradients(Supplier<Tensor> function, Tensor... inputs) {
    List<@Nullable Tensor> before = new ArrayList<>();
    for (Tensor input : inputs) {
      before.add(input.grad());
      input.setGrad(null);
    }
    List<double[]> gradients = new ArrayList<>();
    Engine engine = inputs[0].engine();
    try (Scope _ = engine.scope("gradient check")) {
      evaluate(function, engine).backward();
      for (Tensor input : inputs) {
        Tensor gradient = input.grad();
        gradients.add(
            gradient == null
                ? new double[Math.toIntExact(input.shape().size())]
                : gradient.toDoubles());
      }
    } finally {
      for (int i = 0; i < inputs.length; i++) {
        Tensor gradient = inputs[i].grad();
        if (gradient != null) {
          gradient.close();
        }
        inputs[i].setGrad(before.get(i));
      }
    }
    return gradients;
  }

  private static Tensor evaluate(Supplier<Tensor> function, Engine engine) {
    engine.random().step(engine.random().step());
    Tensor result = function.get();
    if (result.dtype() != DType.F64 || result.shape().size() != 1) {
      throw new IllegalArgumentException(
          "the function gave %s: a gradient check needs one number of f64".formatted(result));
    }
    return result;
  }

  private double difference(Supplier<Tensor> function, Tensor input, double[] values, int element) {
    double x = values[element];
    double h = step * Math.max(1, Math.abs(x));
    double above = valueAt(function, input, values, element, x + h);
    double below = valueAt(function, input, values, element, x - h);
    values[element] = x;
    write(input, values);
    return (above - below) / ((x + h) - (x - h));
  }

  private static double valueAt(
      Supplier<Tensor> function, Tensor input, double[] values, int element, double x) {
    values[element] = x;
    write(input, values);
    Engine engine = input.engine();
    try (Scope _ = engine.scope("gradient check");
        Engine.Mode _ = engine.noGrad()) {
      return evaluate(function, engine).toDoubles()[0];
    }
  }

  /** Writes values wherever the input's elements lie: inputs may be strided. */
  private static void write(Tensor input, double[] values) {
    Engine engine = input.engine();
    try (Scope _ = engine.scope("gradient check")) {
      Tensor source = engine.tensor(values, input.shape().toArray());
      engine.emit(new Instruction.Copy(source.buffer(), Output.to(input.buffer())));
    }
  }

  /** Finds the element whose error is largest in proportion to what is allowed. */
  private final class Worst {
    private long elements;
    private long wrong;
    private double ratio = -1;
    private Report report = new Report(0, 0, 0, List.of(), 0, 0);

    void add(int input, Shape shape, int element, double backward, double difference) {
      double allowed = absolute + relative * Math.abs(difference);
      double error = Math.abs(backward - difference);
      elements++;
      if (!(error <= allowed)) { // NaN is wrong, too.
        wrong++;
      }
      double thisRatio = Double.isNaN(error) ? Double.POSITIVE_INFINITY : error / allowed;
      if (thisRatio > ratio) {
        ratio = thisRatio;
        report = new Report(0, 0, input, index(shape, element), backward, difference);
      }
    }

    Report report() {
      return new Report(
          elements, wrong, report.input(), report.index(), report.backward(), report.difference());
    }
  }

  private static List<Integer> index(Shape shape, int element) {
    List<Integer> index = new ArrayList<>();
    int rest = element;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      index.addFirst(rest % shape.dim(axis));
      rest /= shape.dim(axis);
    }
    return List.copyOf(index);
  }
}
