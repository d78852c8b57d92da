package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.BinaryOperator;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.GradientCheck;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;

/** An engine that computes f64, inputs of every kind of layout, and the gradient check. */
abstract class GradientTestBase {
  /** Sizes 0 and 1, primes, and sizes that are no multiple of any vector's length. */
  static final List<Shape> SHAPES =
      List.of(
          Shape.of(),
          Shape.of(1),
          Shape.of(7),
          Shape.of(0),
          Shape.of(3, 5),
          Shape.of(2, 1, 3),
          Shape.of(2, 0),
          Shape.of(19));

  /** Pairs of shapes that broadcast, in every pattern. */
  static final List<List<Shape>> BROADCASTS =
      List.of(
          List.of(Shape.of(3, 5), Shape.of(3, 5)),
          List.of(Shape.of(3, 5), Shape.of(5)),
          List.of(Shape.of(5), Shape.of(3, 5)),
          List.of(Shape.of(3, 1), Shape.of(1, 5)),
          List.of(Shape.of(2, 1, 3), Shape.of(5, 1)),
          List.of(Shape.of(), Shape.of(3)),
          List.of(Shape.of(2, 2), Shape.of(1)),
          List.of(Shape.of(1, 1), Shape.of(1)),
          List.of(Shape.of(0, 3), Shape.of(3)));

  final Engine engine = Engine.on(Devices.scalar());
  final Random random = new Random(20251017);

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  /** A constant with elements between −2 and 2. */
  Tensor constant(Shape shape) {
    return engine.tensor(random.doubles(shape.size(), -2, 2).toArray(), shape.toArray());
  }

  /** A leaf with elements between −2 and 2. */
  Tensor leaf(int... dims) {
    return constant(Shape.of(dims)).requireGrad();
  }

  Tensor leaf(Shape shape) {
    return leaf(shape.toArray());
  }

  /** A leaf with elements between 0.3 and 2. */
  Tensor positive(Shape shape) {
    return engine
        .tensor(random.doubles(shape.size(), 0.3, 2).toArray(), shape.toArray())
        .requireGrad();
  }

  /** A leaf whose axes lie in memory in reverse order. */
  Tensor permuted(Shape shape) {
    int rank = shape.rank();
    int[] reversed = new int[rank];
    int[] order = new int[rank];
    for (int i = 0; i < rank; i++) {
      reversed[i] = shape.dim(rank - 1 - i);
      order[i] = rank - 1 - i;
    }
    return constant(Shape.of(reversed)).permute(order).detach().requireGrad();
  }

  /** A leaf that is a part of a longer last axis. */
  Tensor narrowed(Shape shape) {
    Tensor longer = constant(shape.with(-1, shape.dim(-1) + 3));
    return longer.narrow(-1, 2, shape.dim(-1)).detach().requireGrad();
  }

  Tensor indices(int[] values, int... dims) {
    return engine.tensor(values, dims);
  }

  static double[] gradient(Tensor leaf) {
    return Objects.requireNonNull(leaf.grad(), "no gradient").toDoubles();
  }

  /** Checks a function of any shape, by way of its product with fixed random numbers. */
  void check(Supplier<Tensor> function, Tensor... inputs) {
    GradientCheck.standard().require(() -> project(function.get()), inputs);
  }

  /** {@code Σ w·y} with w as good as random, but the same at every call. */
  Tensor project(Tensor y) {
    assertThat(y.dtype()).isEqualTo(DType.F64);
    double[] weights = new Random(5).doubles(y.shape().size(), -1, 1).toArray();
    return y.mul(engine.tensor(weights, y.shape().toArray())).sum();
  }

  /** Checks an operation of one tensor over all shapes and layouts. */
  void checkAll(UnaryOperator<Tensor> operation) {
    for (Shape shape : SHAPES) {
      Tensor x = leaf(shape);
      check(() -> operation.apply(x), x);
    }
    for (Tensor x : List.of(permuted(Shape.of(3, 5)), narrowed(Shape.of(3, 5)))) {
      check(() -> operation.apply(x), x);
    }
    Tensor x = leaf(5, 3);
    check(() -> operation.apply(x.transpose(0, 1)), x);
    check(() -> operation.apply(x).mul(operation.apply(x.square())), x);
  }

  /** Checks an operation of two tensors over all patterns of broadcasting, and on one twice. */
  void checkAll(BinaryOperator<Tensor> operation) {
    for (List<Shape> shapes : BROADCASTS) {
      Tensor a = positive(shapes.getFirst());
      Tensor b = positive(shapes.getLast());
      check(() -> operation.apply(a, b), a, b);
    }
    Tensor a = permuted(Shape.of(3, 5));
    Tensor b = narrowed(Shape.of(3, 5));
    check(() -> operation.apply(a, b.square().add(0.5)), a, b);
    check(() -> operation.apply(a.add(1), b.narrow(0, 1, 1).square().add(0.25)), a, b);
    Tensor one = positive(Shape.of(4));
    check(() -> operation.apply(a.narrow(1, 0, 4), one), a, one);
  }
}
