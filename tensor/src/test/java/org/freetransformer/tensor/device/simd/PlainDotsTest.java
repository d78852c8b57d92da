package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether a loop is warm must not change a bit. */
class PlainDotsTest {
  private static final int DISTANCE = 3;
  private static final int MOST_DEPTH = 1031;

  private final Random random = new Random(17);
  private final float[] lanes =
      new float[SkinnyKernel.ROWS * SkinnyKernel.DOT_COLUMNS * GemmKernel.LANES];

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 15, 16, 17, 31, 64, 67, 509, 512, MOST_DEPTH})
  void givesTheBitsOfTheVectorLoops(int depth) {
    float[] x = new float[3 + SkinnyKernel.ROWS * depth];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat() - 0.5f;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment w = arena.allocate(ValueLayout.JAVA_FLOAT, 5L * depth);
      for (int i = 0; i < 5 * depth; i++) {
        w.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
      }
      long column = (long) depth * Float.BYTES;
      long[] from = {column, 0, 4 * column, 2 * column};

      assertThat(plain(1, x, w, from, depth)).containsExactly(row(x, w, from, depth));
      assertThat(plain(SkinnyKernel.ROWS, x, w, from, depth))
          .containsExactly(rows(x, w, from, depth));
    }
  }

  private float[] plain(int rows, float[] x, MemorySegment w, long[] from, int depth) {
    float[] sums = new float[SkinnyKernel.ROWS * SkinnyGemm.STRIP];
    float[] column = new float[MOST_DEPTH];
    PlainDots.dotRows(rows, x, 3, w, from, depth, lanes, column, sums, 5, DISTANCE);
    return sums;
  }

  private float[] row(float[] x, MemorySegment w, long[] from, int depth) {
    float[] sums = new float[SkinnyKernel.ROWS * SkinnyGemm.STRIP];
    SkinnyKernel.dotRow(
        x, 3, w, from[0], from[1], from[2], from[3], depth, lanes, sums, 5, DISTANCE);
    return sums;
  }

  private float[] rows(float[] x, MemorySegment w, long[] from, int depth) {
    float[] sums = new float[SkinnyKernel.ROWS * SkinnyGemm.STRIP];
    SkinnyKernel.dotRows(
        x, 3, w, from[0], from[1], from[2], from[3], depth, lanes, sums, 5, DISTANCE);
    return sums;
  }
}
