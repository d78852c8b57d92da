package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** In memory that ends with the last row, and arrays that end with the last panel. */
class ArrayPackingTest {
  private static final int COLUMNS = GemmKernel.COLUMNS;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 13})
  void takesNoMoreThanThereIs(int depth) {
    for (int columns = 1; columns <= 3 * COLUMNS; columns++) {
      for (int stride : new int[] {columns, columns + 1, COLUMNS * 4}) {
        check(depth, columns, stride);
      }
    }
  }

  private static void check(int depth, int columns, int stride) {
    int even = ArrayPacking.evenDepth(depth);
    float[] panels = new float[Math.ceilDiv(columns, COLUMNS) * even * COLUMNS];
    float[] scratch = new float[ArrayTransposer.SCRATCH_ELEMENTS];
    try (Arena arena = Arena.ofConfined()) {
      int numbers = (depth - 1) * stride + columns;
      MemorySegment b = arena.allocate(ValueLayout.JAVA_FLOAT, numbers);
      for (int i = 0; i < numbers; i++) {
        b.setAtIndex(ValueLayout.JAVA_FLOAT, i, i + 1);
      }
      ArrayPacking.packPanels(
          b, 0, (long) stride * Float.BYTES, Float.BYTES, depth, columns, panels, 0, scratch);
    }
    for (int k = 0; k < even; k++) {
      for (int j = 0; j < columns; j++) {
        int at = j / COLUMNS * even * COLUMNS + k * COLUMNS + j % COLUMNS;
        assertThat(panels[at])
            .as("%d x %d, %d apart: step %d, column %d", depth, columns, stride, k, j)
            .isEqualTo(k < depth ? k * stride + j + 1 : 0);
      }
    }
  }
}
