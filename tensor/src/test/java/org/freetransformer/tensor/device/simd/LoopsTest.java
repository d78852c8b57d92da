package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.junit.jupiter.api.Test;

/** Layouts only, for which there is no memory. */
class LoopsTest {
  @Test
  void axesInOneStrideAreOneLoop() {
    Layout layout = Layout.contiguous(Shape.of(3, 1, 4, 5));
    Loops loops = Loops.over(layout, layout);
    assertThat(loops.rank()).isEqualTo(1);
    assertThat(loops.inner()).isEqualTo(60);
    assertThat(loops.isContiguous(1)).isTrue();
  }

  @Test
  void aLoopIsNoLongerThanAnIntCounts() {
    Layout most = Layout.contiguous(Shape.of(2, Integer.MAX_VALUE / 2));
    assertThat(Loops.over(most).inner()).isEqualTo(Integer.MAX_VALUE - 1);
    Layout layout = Layout.contiguous(Shape.of(65_537, 8, 4096));
    Loops loops = Loops.over(layout);
    assertThat(loops.rank()).isEqualTo(2);
    assertThat(loops.size()).isEqualTo(layout.shape().size()).isEqualTo((1L << 31) + (1 << 15));
    assertThat(loops.isContiguous(0)).isTrue();
    long last = loops.size() - 1;
    assertThat(loops.position(0, last)).isEqualTo(last);
  }
}
