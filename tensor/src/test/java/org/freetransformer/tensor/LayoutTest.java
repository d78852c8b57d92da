package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LayoutTest {
  /** The positions of all elements, row-major, by the definition alone. */
  private static List<Long> positions(Layout layout) {
    List<Long> positions = new ArrayList<>();
    collect(layout, 0, layout.offset(), positions);
    return positions;
  }

  private static void collect(Layout layout, int axis, long at, List<Long> positions) {
    if (axis == layout.shape().rank()) {
      positions.add(at);
      return;
    }
    for (int i = 0; i < layout.shape().dim(axis); i++) {
      collect(layout, axis + 1, at + i * layout.stride(axis), positions);
    }
  }

  private static Layout layout(int... dims) {
    return Layout.contiguous(Shape.of(dims));
  }

  /** A random view of a random block: permuted, narrowed, repeated. */
  private static Layout randomView(Random random) {
    int rank = 1 + random.nextInt(4);
    int[] dims = new int[rank];
    for (int i = 0; i < rank; i++) {
      dims[i] = 1 + random.nextInt(4);
    }
    Layout view = layout(dims);
    for (int i = random.nextInt(4); i > 0; i--) {
      int axis = random.nextInt(rank);
      int dim = view.shape().dim(axis);
      view =
          switch (random.nextInt(3)) {
            case 0 -> view.transpose(axis, random.nextInt(rank));
            case 1 -> {
              int start = random.nextInt(dim);
              yield view.narrow(axis, start, 1 + random.nextInt(dim - start));
            }
            default -> dim == 1 ? view.broadcastTo(view.shape().with(axis, 3)) : view;
          };
    }
    return view;
  }

  /** All shapes of a size up to four axes, ones among them. */
  private static void shapes(long size, List<Integer> dims, List<Shape> shapes) {
    if (size == 1) {
      shapes.add(Shape.of(dims.stream().mapToInt(Integer::intValue).toArray()));
    }
    if (dims.size() == 4) {
      return;
    }
    for (int dim = 1; dim <= size; dim++) {
      if (size % dim == 0) {
        List<Integer> longer = new ArrayList<>(dims);
        longer.add(dim);
        shapes(size / dim, longer, shapes);
      }
    }
  }

  /** Whether any strides at all give these positions under a shape. */
  private static boolean existStrides(List<Long> positions, Shape shape) {
    long[] strides = new long[shape.rank()];
    long inner = 1;
    for (int i = shape.rank() - 1; i >= 0; i--) {
      strides[i] = shape.dim(i) == 1 ? 0 : positions.get((int) inner) - positions.get(0);
      inner *= shape.dim(i);
    }
    for (int element = 0; element < positions.size(); element++) {
      long at = positions.get(0);
      int rest = element;
      for (int i = shape.rank() - 1; i >= 0; i--) {
        at += rest % shape.dim(i) * strides[i];
        rest /= shape.dim(i);
      }
      if (at != positions.get(element)) {
        return false;
      }
    }
    return true;
  }

  @Test
  void aViewIsReshapedWheneverStridesForItExist() {
    Random random = new Random(1);
    int possible = 0;
    int impossible = 0;
    for (int i = 0; i < 400; i++) {
      Layout view = randomView(random);
      List<Long> positions = positions(view);
      List<Shape> shapes = new ArrayList<>();
      shapes(view.shape().size(), List.of(), shapes);
      for (Shape shape : shapes) {
        boolean exist = existStrides(positions, shape);
        assertThat(view.canReshape(shape)).as("%s to %s", view, shape).isEqualTo(exist);
        if (exist) {
          assertThat(positions(view.reshape(shape))).isEqualTo(positions);
          possible++;
        } else {
          assertThatThrownBy(() -> view.reshape(shape))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("make it contiguous first");
          impossible++;
        }
      }
    }
    assertThat(possible).isGreaterThan(1000);
    assertThat(impossible).isGreaterThan(1000);
  }

  @Test
  void contiguousMeansWithoutGapsInOrder() {
    Random random = new Random(2);
    for (int i = 0; i < 1000; i++) {
      Layout view = randomView(random);
      List<Long> positions = positions(view);
      boolean inOrder = true;
      for (int element = 1; element < positions.size(); element++) {
        inOrder &= positions.get(element) == positions.get(0) + element;
      }
      assertThat(view.isContiguous()).as("%s", view).isEqualTo(inOrder);
      assertThat(view.end()).isEqualTo(positions.stream().mapToLong(p -> p + 1).max().orElse(0));
    }
    assertThat(layout(3, 0).end()).isZero();
    assertThat(layout(3, 0).isContiguous()).isTrue();
  }

  @Test
  void emptyTensorsTakeAnyEmptyShape() {
    Layout nothing = layout(3, 4).narrow(1, 2, 0);
    assertThat(nothing.canReshape(Shape.of(0, 7))).isTrue();
    assertThat(nothing.reshape(Shape.of(5, 0)).shape()).isEqualTo(Shape.of(5, 0));
    assertThat(nothing.canReshape(Shape.of(1))).isFalse();
  }

  @Test
  void otherOrdersOfTheAxes() {
    Layout view = layout(2, 3, 4).permute(2, 0, 1);
    assertThat(view.shape()).isEqualTo(Shape.of(4, 2, 3));
    assertThat(view.stride(0)).isEqualTo(1);
    assertThat(view.stride(1)).isEqualTo(12);
    assertThat(view.permute(1, 2, 0)).isEqualTo(layout(2, 3, 4));
    assertThat(layout(2, 3).transpose(0, -1)).isEqualTo(layout(2, 3).permute(1, 0));
    assertThatThrownBy(() -> layout(2, 3).permute(0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("[0, 0] is not an order of the axes of [2,3]");
    assertThatThrownBy(() -> layout(2, 3).permute(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("[0] does not name each axis of [2,3] once");
    assertThatThrownBy(() -> layout(2, 3).transpose(0, 2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("axis 2 of shape [2,3]: allowed are -2 to 1");
  }

  @Test
  void partsOfAnAxis() {
    Layout part = layout(4, 5).narrow(0, 1, 2).narrow(1, 3, 2);
    assertThat(positions(part)).containsExactly(8L, 9L, 13L, 14L);
    assertThat(layout(4, 5).narrow(-1, 5, 0).shape()).isEqualTo(Shape.of(4, 0));
    for (int[] wrong : new int[][] {{-1, 2}, {3, 3}, {0, 6}, {1, -1}, {1, Integer.MAX_VALUE}}) {
      assertThatThrownBy(() -> layout(4, 5).narrow(1, wrong[0], wrong[1]))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessageContaining("axis 1 of [4,5]: allowed are 0..5");
    }
  }

  @Test
  void repetitionTakesNoMemory() {
    Layout row = layout(1, 3).broadcastTo(Shape.of(2, 2, 3));
    assertThat(positions(row)).containsExactly(0L, 1L, 2L, 0L, 1L, 2L, 0L, 1L, 2L, 0L, 1L, 2L);
    assertThat(row.end()).isEqualTo(3);
    assertThat(layout().broadcastTo(Shape.of(3)).stride(0)).isZero();
    assertThat(layout(1).broadcastTo(Shape.of(0)).shape()).isEqualTo(Shape.of(0));
    for (Shape wrong : List.of(Shape.of(), Shape.of(3), Shape.of(2, 4), Shape.of(3, 2))) {
      assertThatThrownBy(() -> layout(2, 3).broadcastTo(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("shape [2,3] does not broadcast to " + wrong);
    }
  }

  @Test
  void aLayoutIsAValueThatSaysWhatItIs() {
    assertThat(layout(2, 3)).isEqualTo(layout(2, 3)).hasSameHashCodeAs(layout(2, 3));
    assertThat(layout(2, 3)).isNotEqualTo(layout(3, 2)).isNotEqualTo(layout(2, 3).narrow(1, 0, 2));
    assertThat(layout(2, 3)).hasToString("[2,3]");
    assertThat(layout(2, 3).transpose(0, 1)).hasToString("[3,2] strides [1, 3]");
  }

  @Test
  void sizesMustAgree() {
    assertThat(layout(2, 3).canReshape(Shape.of(5))).isFalse();
    assertThatThrownBy(() -> layout(2, 3).reshape(Shape.of(5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shape [2,3] has 6 elements, [5] has 5");
  }
}
