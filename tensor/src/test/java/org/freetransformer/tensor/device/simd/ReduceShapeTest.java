package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Layouts only, for which there is no memory. */
class ReduceShapeTest {
  private static @Nullable ReduceShape shape(Shape in, Shape out) {
    return ReduceShape.of(Layout.contiguous(in), Layout.contiguous(out));
  }

  @Test
  void axesMergeIntoThreeLoops() {
    assertThat(shape(Shape.of(2, 3, 4, 5, 6), Shape.of(2, 3, 1, 1, 6)))
        .isEqualTo(new ReduceShape(6, 20, 6, 120, 6, 6));
  }

  @Test
  void noLoopIsLongerThanAnIntCountsWithItsBlocks() {
    assertThat(shape(Shape.of(65_537, 32_768), Shape.of(1, 1))).isNull();
    assertThat(shape(Shape.of(65_537, 32_768, 2), Shape.of(65_537, 32_768, 1))).isNull();
    assertThat(shape(Shape.of(2, 65_537, 32_768), Shape.of(1, 65_537, 32_768))).isNull();
    assertThat(shape(Shape.of(Integer.MAX_VALUE), Shape.of(1))).isNull();
    assertThat(shape(Shape.of(ReduceShape.LONGEST, 2), Shape.of(ReduceShape.LONGEST, 1)))
        .isEqualTo(new ReduceShape(ReduceShape.LONGEST, 2, 1, 2, 1, 1));
  }
}
