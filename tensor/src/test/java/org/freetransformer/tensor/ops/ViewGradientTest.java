package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

class ViewGradientTest extends GradientTestBase {
  @Test
  @GradientOf({"Tensor.reshape(int[])", "ViewOp.reshape(Tensor,int[])"})
  void reshape() {
    checkAll((Tensor x) -> x.reshape(Math.toIntExact(x.shape().size())));
    Tensor x = leaf(2, 3, 4);
    check(() -> x.reshape(6, -1).square(), x);
    check(() -> x.permute(2, 0, 1).reshape(8, 3), x);
    check(() -> x.narrow(2, 1, 2).reshape(-1), x);
    check(() -> x.broadcastTo(2, 2, 3, 4).reshape(12, 4), x);
  }

  @Test
  @GradientOf({
    "Tensor.transpose(int,int)",
    "Tensor.permute(int[])",
    "ViewOp.transpose(Tensor,int,int)",
    "ViewOp.permute(Tensor,int[])"
  })
  void otherOrdersOfTheAxes() {
    Tensor x = leaf(2, 3, 5);
    check(() -> x.transpose(0, 2), x);
    check(() -> x.transpose(-1, -2).exp(), x);
    check(() -> x.permute(1, 2, 0), x);
    check(() -> x.permute(2, 0, 1).transpose(0, 1).square(), x);
    check(() -> x.transpose(0, 2).mul(x.transpose(0, 2)).add(x.transpose(2, 0)), x);
    Tensor thin = leaf(1, 4);
    check(() -> thin.transpose(0, 1).add(thin.transpose(0, 1).square()), thin);
  }

  @Test
  @GradientOf({"Tensor.narrow(int,int,int)", "ViewOp.narrow(Tensor,int,int,int)"})
  void narrow() {
    Tensor x = leaf(3, 7);
    check(() -> x.narrow(1, 2, 3), x);
    check(() -> x.narrow(0, 1, 1).square(), x);
    check(() -> x.narrow(1, 3, 0), x);
    check(() -> x.narrow(1, 0, 4).mul(x.narrow(1, 3, 4)), x);
    check(() -> x.transpose(0, 1).narrow(0, 1, 5).narrow(1, 0, 2), x);
    check(() -> x.narrow(1, 1, 2).add(x.narrow(1, 1, 2).exp()), x);
  }

  @Test
  @GradientOf({"Tensor.broadcastTo(int[])", "ViewOp.broadcastTo(Tensor,Shape)"})
  void broadcast() {
    for (List<Shape> shapes : BROADCASTS) {
      int[] common = Shape.broadcast(shapes.getFirst(), shapes.getLast()).toArray();
      Tensor a = leaf(shapes.getFirst());
      Tensor b = leaf(shapes.getLast());
      check(() -> a.broadcastTo(common), a);
      check(() -> b.broadcastTo(common).square(), b);
    }
    Tensor x = leaf(1, 3);
    check(() -> x.transpose(0, 1).broadcastTo(2, 3, 4).mul(x.sum()), x);
  }

  @Test
  @GradientOf({"Tensor.contiguous()", "ViewOp.contiguous(Tensor)"})
  void contiguous() {
    checkAll((Tensor x) -> x.contiguous().square());
    Tensor x = leaf(3, 5);
    check(() -> x.transpose(0, 1).contiguous().add(x.contiguous().transpose(0, 1)), x);
  }

  @Test
  @GradientOf({"Tensor.concat(int,List)", "ViewOp.concat(int,List)"})
  void concat() {
    Tensor a = leaf(2, 3);
    Tensor b = leaf(2, 1);
    Tensor c = leaf(4, 3);
    Tensor nothing = leaf(2, 0);
    check(() -> Tensor.concat(1, List.of(a, b, nothing, a)), a, b, nothing);
    check(() -> Tensor.concat(0, List.of(a, c)).square(), a, c);
    check(() -> Tensor.concat(0, List.of(a.exp(), a.exp(), c.mul(2))), a, c);
    check(() -> Tensor.concat(-1, List.of(a.transpose(0, 1), c.transpose(0, 1))), a, c);
    check(() -> Tensor.concat(0, List.of(a.exp().reshape(6), a.reshape(6), b.reshape(2))), a, b);
  }

  @Test
  @GradientOf({"Tensor.to(DType)", "CastOp.cast(Tensor,DType)"})
  void conversion() {
    Tensor x = leaf(3, 5);
    check(() -> x.to(DType.F64).square(), x);
    // Half the digits are lost on the way there and back, but not the gradient.
    Tensor y = engine.tensor(new double[] {0.5, -2, 8}, 3).requireGrad();
    for (DType type : List.of(DType.F32, DType.BF16, DType.F16)) {
      y.setGrad(null);
      y.to(type).to(DType.F64).square().sum().backward();
      assertThat(gradient(y)).containsExactly(1, -4, 16);
    }
    assertThat(y.to(DType.I32).requiresGrad()).isFalse();
  }

  @Test
  void impossibleViewsAreRefused() {
    Tensor x = leaf(2, 3);
    assertThatThrownBy(() -> x.reshape(4, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("6 elements are not divisible by 4");
    assertThatThrownBy(() -> x.reshape(-1, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("only one size may be -1");
    assertThatThrownBy(() -> x.reshape(5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("reshape: shape [2,3] has 6 elements, [5] has 5; got f64[2,3]");
    Tensor large = engine.placeholder(DType.F32, Shape.of(1 << 16, 1 << 16));
    assertThatThrownBy(() -> large.reshape(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a size of 4294967296 is more than 2147483647");
    assertThatThrownBy(() -> x.narrow(1, 3, 6))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("narrow: part 3..9 of axis 1 of [2,3]: allowed are 0..3; got f64[2,3]");
    assertThatThrownBy(() -> x.transpose(0, 2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageStartingWith("transpose: axis 2 of shape [2,3]");
    assertThatThrownBy(() -> x.permute(0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("permute: [0, 0] is not an order");
    assertThatThrownBy(() -> x.broadcastTo(3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("broadcastTo: shape [2,3] does not broadcast to [3]");
    assertThatThrownBy(() -> Tensor.concat(0, List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least one");
    assertThatThrownBy(() -> Tensor.concat(2, List.of(x, x)))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageStartingWith("concat: axis 2 of shape [2,3]");
    assertThatThrownBy(() -> Tensor.concat(0, List.of(x, leaf(2, 4))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("axis 0");
  }
}
