package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void sizesAndAxes() {
    Shape shape = Shape.of(2, 3, 5);
    assertThat(shape.rank()).isEqualTo(3);
    assertThat(shape.size()).isEqualTo(30);
    assertThat(shape.dim(-1)).isEqualTo(5);
    assertThat(shape.axis(-3)).isZero();
    assertThat(shape.with(-2, 7)).isEqualTo(Shape.of(2, 7, 5));
    assertThat(shape).hasToString("[2,3,5]");
    assertThat(Shape.of().size()).isEqualTo(1);
    assertThat(Shape.of(4, 0, 3).size()).isZero();
    assertThat(Shape.of(1 << 20, 1 << 20).size()).isEqualTo(1L << 40);
  }

  @Test
  void aShapeIsAValue() {
    int[] dims = {2, 3};
    Shape shape = Shape.of(dims);
    dims[0] = 9;
    shape.toArray()[1] = 9;
    assertThat(shape).isEqualTo(Shape.of(2, 3)).hasSameHashCodeAs(Shape.of(2, 3));
    assertThat(shape).isNotEqualTo(Shape.of(3, 2)).isNotEqualTo(Shape.of(2, 3, 1));
  }

  @Test
  void broadcasting() {
    assertThat(Shape.broadcast(Shape.of(3, 1), Shape.of(1, 5))).isEqualTo(Shape.of(3, 5));
    assertThat(Shape.broadcast(Shape.of(2, 1, 5), Shape.of(4, 1))).isEqualTo(Shape.of(2, 4, 5));
    assertThat(Shape.broadcast(Shape.of(), Shape.of(7))).isEqualTo(Shape.of(7));
    assertThat(Shape.broadcast(Shape.of(1), Shape.of(0))).isEqualTo(Shape.of(0));
  }

  @Test
  void errorsSayWhatIsAllowed() {
    assertThatThrownBy(() -> Shape.of(2, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative dimension in shape [2, -1]: sizes are 0 or more");
    assertThatThrownBy(() -> Shape.of(2, 3).dim(2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("axis 2 of shape [2,3]: allowed are -2 to 1");
    assertThatThrownBy(() -> Shape.of().dim(-1))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("axis -1 of shape []: a scalar has no axes");
    assertThatThrownBy(() -> Shape.broadcast(Shape.of(2, 3), Shape.of(4, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "shapes [2,3] and [4,3] do not broadcast: sizes 2 and 4, 2 from the end, must be equal"
                + " or 1");
    int large = Integer.MAX_VALUE;
    assertThatThrownBy(() -> Shape.of(large, large, large))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[2147483647, 2147483647, 2147483647] has too many elements");
    assertThat(Shape.of(large, large, large, 0).size()).isZero();
    assertThat(Shape.of(large, large).size()).isEqualTo(4611686014132420609L);
    assertThatThrownBy(() -> Shape.of(1 << 20, 1 << 12).sizeAsInt("toFloats()"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "toFloats(): shape [1048576,4096] has 4294967296 elements, of which 2147483647 are"
                + " possible");
    assertThat(Shape.of(3, 4).sizeAsInt("x")).isEqualTo(12);
  }
}
