package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

class MatMulGradientTest extends GradientTestBase {
  @Test
  @GradientOf({"Tensor.matmul(Tensor)", "MatMulOp.matmul(Tensor,Tensor)"})
  void product() {
    List<List<Shape>> shapes =
        List.of(
            List.of(Shape.of(1, 1), Shape.of(1, 1)),
            List.of(Shape.of(3, 5), Shape.of(5, 7)),
            List.of(Shape.of(1, 19), Shape.of(19, 1)),
            List.of(Shape.of(3, 0), Shape.of(0, 2)),
            List.of(Shape.of(0, 3), Shape.of(3, 2)),
            List.of(Shape.of(2, 3, 4), Shape.of(2, 4, 5)),
            List.of(Shape.of(2, 3, 4), Shape.of(4, 5)),
            List.of(Shape.of(3, 4), Shape.of(2, 4, 1)),
            List.of(Shape.of(2, 1, 2, 3), Shape.of(3, 3, 2)),
            List.of(Shape.of(1, 2, 3), Shape.of(3, 2)));
    for (List<Shape> pair : shapes) {
      Tensor a = leaf(pair.getFirst());
      Tensor b = leaf(pair.getLast());
      check(() -> a.matmul(b), a, b);
    }
  }

  @Test
  void stridedOperands() {
    Tensor a = permuted(Shape.of(3, 5));
    Tensor b = narrowed(Shape.of(5, 2));
    check(() -> a.matmul(b), a, b);
    Tensor c = permuted(Shape.of(2, 5, 3));
    check(() -> c.matmul(a), c, a);
    check(() -> a.transpose(0, 1).matmul(c.narrow(1, 1, 3)), a, c);
    check(() -> a.matmul(a.transpose(0, 1)), a);
    check(() -> a.narrow(1, 0, 3).matmul(a.narrow(1, 2, 3)).matmul(a), a);
  }

  @Test
  @GradientOf("MatMulOp.linear(Tensor,Tensor)")
  void linear() {
    Tensor weight = leaf(4, 3);
    for (Shape shape : List.of(Shape.of(3), Shape.of(5, 3), Shape.of(2, 5, 3), Shape.of(2, 0, 3))) {
      Tensor x = leaf(shape);
      check(() -> MatMulOp.linear(x, weight), x, weight);
      check(() -> MatMulOp.linear(MatMulOp.linear(x, weight), weight.transpose(0, 1)), x, weight);
    }
    Tensor x = permuted(Shape.of(2, 5, 3));
    Tensor strided = narrowed(Shape.of(4, 3));
    check(() -> MatMulOp.linear(x, strided), x, strided);
    Tensor square = leaf(3, 3);
    check(() -> MatMulOp.linear(square, square), square);
  }

  @Test
  @GradientOf("MatMulOp.linearInFull(Tensor,Tensor)")
  void linearInFull() {
    Tensor x = leaf(4, 3);
    Tensor weight = leaf(5, 3);
    check(() -> MatMulOp.linearInFull(x, weight), x, weight);
  }

  @Test
  void linearIsAProductWithTheTranspose() {
    Tensor x = leaf(2, 5, 3);
    Tensor weight = leaf(4, 3);
    assertThat(MatMulOp.linear(x, weight).toDoubles())
        .containsExactly(x.matmul(weight.transpose(0, 1)).toDoubles());
  }

  @Test
  void wrongShapesAreRefused() {
    assertThatThrownBy(() -> leaf(2, 3).matmul(leaf(2, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("matmul: shapes must be [.., M, K] and [.., K, N]")
        .hasMessageContaining("f64[2,3]");
    assertThatThrownBy(() -> leaf(3).matmul(leaf(3, 2)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> MatMulOp.linear(leaf(2, 3), leaf(2, 4)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[out, in]");
  }
}
