package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.freetransformer.tensor.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether a loop is warm must not change a bit. */
class PlainDotsTest {
  private static final int AT = 3;
  private static final int MOST_DEPTH = 1031;

  private final Random random = new Random(17);

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 15, 16, 17, 31, 64, 67, 509, 512, MOST_DEPTH})
  void givesTheBitsOfTheVectorLoops(int depth) {
    float[] x = new float[AT + SkinnyKernel.ROWS * depth];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat() - 0.5f;
    }
    try (Arena arena = Arena.ofConfined()) {
      GemmScratch scratch = new GemmScratch(arena);
      MemorySegment w = arena.allocate(ValueLayout.JAVA_FLOAT, 5L * depth);
      for (int i = 0; i < 5 * depth; i++) {
        w.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
      }
      long column = (long) depth * Float.BYTES;
      long[] four = {column, 0, 4 * column, 2 * column};

      float[] row = plain(1, x, w, four, depth, scratch);
      SkinnyKernel.dotRow(x, AT, w, four, depth, scratch.lanes);
      assertThat(row).containsExactly(Arrays.copyOf(scratch.lanes, row.length));

      long[] three = {0, column, 2 * column};
      float[] rows = plain(SkinnyKernel.ROWS, x, w, three, depth, scratch);
      assertThat(rows).containsExactly(rows(x, w, depth, scratch));
    }
  }

  private static float[] plain(
      int rows, float[] x, MemorySegment w, long[] columns, int depth, GemmScratch scratch) {
    int together = rows == 1 ? SkinnyKernel.DOT_COLUMNS : RowDots.F32_COLUMNS;
    float[] column = new float[MOST_DEPTH];
    PlainDots.dotRows(rows, x, AT, w, columns, depth, scratch.lanes, column);
    return Arrays.copyOf(scratch.lanes, rows * together);
  }

  private static float[] rows(float[] x, MemorySegment w, int depth, GemmScratch scratch) {
    RowDots dots = new RowDots(scratch, 1, SkinnyKernel.ROWS, depth, DType.F32, RowDotsTest.WARM);
    for (int i = 0; i < SkinnyKernel.ROWS; i++) {
      dots.pack(x, AT + i * depth, 0, i);
    }
    int width = RowDots.F32_COLUMNS;
    long columnBytes = (long) depth * Float.BYTES;
    dots.sum(scratch, 0, 0, SkinnyKernel.ROWS, w, 0, columnBytes, width);
    float[] sums = new float[SkinnyKernel.ROWS * width];
    for (int i = 0; i < SkinnyKernel.ROWS; i++) {
      System.arraycopy(scratch.rows, i * SkinnyGemm.STRIP, sums, i * width, width);
    }
    return sums;
  }
}
