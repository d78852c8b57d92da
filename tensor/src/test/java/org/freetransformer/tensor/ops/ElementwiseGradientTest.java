package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.function.UnaryOperator;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.UnaryFunction;
import org.junit.jupiter.api.Test;

class ElementwiseGradientTest extends GradientTestBase {
  @Test
  @GradientOf({
    "Tensor.neg()",
    "Tensor.abs()",
    "Tensor.exp()",
    "Tensor.square()",
    "Tensor.tanh()",
    "Tensor.sigmoid()",
    "Tensor.silu()",
    "Tensor.relu()",
    "Tensor.softplus()"
  })
  void functionsOfAnyNumber() {
    List<UnaryOperator<Tensor>> functions =
        List.of(
            Tensor::neg,
            Tensor::abs,
            Tensor::exp,
            Tensor::square,
            Tensor::tanh,
            Tensor::sigmoid,
            Tensor::silu,
            Tensor::relu,
            Tensor::softplus);
    functions.forEach(this::checkAll);
  }

  @Test
  @GradientOf({"Tensor.log()", "Tensor.sqrt()", "Tensor.reciprocal()"})
  void functionsOfPositiveNumbers() {
    List<UnaryOperator<Tensor>> functions = List.of(Tensor::log, Tensor::sqrt, Tensor::reciprocal);
    for (UnaryOperator<Tensor> function : functions) {
      checkAll((Tensor x) -> function.apply(x.square().add(0.5)));
      for (Shape shape : SHAPES) {
        Tensor x = positive(shape);
        check(() -> function.apply(x), x);
      }
    }
  }

  @Test
  @GradientOf("ElementwiseOp.unary(UnaryFunction,Tensor)")
  void everyFunctionOfTheEnumeration() {
    for (UnaryFunction function : UnaryFunction.values()) {
      Tensor x = positive(Shape.of(11));
      check(() -> ElementwiseOp.unary(function, x), x);
    }
  }

  @Test
  @GradientOf({
    "Tensor.add(double)",
    "Tensor.mul(double)",
    "ElementwiseOp.affine(Tensor,double,double)"
  })
  void affine() {
    checkAll((Tensor x) -> x.add(0.75));
    checkAll((Tensor x) -> x.mul(-1.5));
    checkAll((Tensor x) -> ElementwiseOp.affine(x, 2.5, -0.25));
  }

  @Test
  @GradientOf({
    "Tensor.add(Tensor)",
    "Tensor.sub(Tensor)",
    "Tensor.mul(Tensor)",
    "Tensor.div(Tensor)",
    "ElementwiseOp.binary(BinaryFunction,Tensor,Tensor)"
  })
  void arithmetic() {
    checkAll(Tensor::add);
    checkAll(Tensor::sub);
    checkAll(Tensor::mul);
    checkAll(Tensor::div);
  }

  @Test
  @GradientOf({"Tensor.maximum(Tensor)", "Tensor.minimum(Tensor)"})
  void extremes() {
    checkAll(Tensor::maximum);
    checkAll(Tensor::minimum);
  }

  @Test
  void equalNumbersShareTheGradientOfAnExtreme() {
    Tensor a = engine.tensor(new double[] {1, 2, 3}, 3).requireGrad();
    Tensor b = engine.tensor(new double[] {1, 5, 0}, 3).requireGrad();
    a.maximum(b).sum().backward();
    assertThat(gradient(a)).containsExactly(0.5, 0, 1);
    assertThat(gradient(b)).containsExactly(0.5, 1, 0);
  }

  @Test
  void oneTensorOnBothSides() {
    Tensor x = positive(Shape.of(3, 5));
    check(() -> x.add(x), x);
    check(() -> x.sub(x).add(x), x);
    check(() -> x.mul(x), x);
    check(() -> x.div(x).mul(x), x);
    check(() -> x.mul(x.narrow(0, 1, 1)), x);
    check(() -> x.add(x.sum(0)).sub(x.narrow(1, 2, 1)), x);
  }

  @Test
  @GradientOf({"Tensor.select(Tensor,Tensor)", "ElementwiseOp.select(Tensor,Tensor,Tensor)"})
  void select() {
    for (List<Shape> shapes : BROADCASTS) {
      Tensor condition = constant(shapes.getFirst()).relu();
      Tensor a = leaf(shapes.getLast());
      Tensor b = leaf(shapes.getFirst());
      check(() -> condition.select(a, b), a, b);
      check(() -> condition.select(b, b.square()), b);
      check(() -> condition.select(b, b), b);
    }
  }

  @Test
  void comparisonsGiveOnesAndZerosWithoutGradient() {
    Tensor a = engine.tensor(new double[] {1, 2, 3}, 3).requireGrad();
    Tensor b = engine.tensor(new double[] {3, 2, 1}, 3);
    assertThat(a.greater(b).toFloats()).containsExactly(0, 0, 1);
    assertThat(a.less(b).toFloats()).containsExactly(1, 0, 0);
    assertThat(a.equal(b).toFloats()).containsExactly(0, 1, 0);
    assertThat(a.notEqual(b).requiresGrad()).isFalse();
    Tensor whole = indices(new int[] {1, -100}, 2);
    assertThat(whole.equal(indices(new int[] {-100}, 1)).dtype()).isEqualTo(DType.F32);
  }

  @Test
  void wrongOperandsAreRefused() {
    Tensor a = leaf(3, 5);
    assertThatThrownBy(() -> a.add(leaf(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[3,5]")
        .hasMessageContaining("[3]");
    assertThatThrownBy(() -> a.add(engine.zeros(3, 5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("one type");
    Tensor whole = indices(new int[] {1, 2}, 2);
    assertThatThrownBy(() -> whole.add(whole))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("floating");
  }
}
