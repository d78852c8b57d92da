package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.freetransformer.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RowDotsTest {
  /** Wants no plain loop. */
  static final ColdStart WARM = new ColdStart(0, 1);

  private static final int[] DEPTHS = {1, 7, 31, 64, 65, 130, 300};
  private static final int[] WIDTHS = {1, 2, 3, 5, 64, 131};

  @Test
  void agreesWithThePlainLoop() {
    checkAll();
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 32})
  void agreesOnMachinesWithNarrowerVectors(int bytes) throws Exception {
    assertThat(ForkedJvm.run(List.of("-XX:MaxVectorSize=" + bytes), NarrowVectors.class))
        .contains("passed with %d lanes".formatted(bytes / Float.BYTES));
  }

  static final class NarrowVectors {
    public static void main(String[] args) {
      checkAll();
      System.out.printf("passed with %d lanes%n", Lanes.COUNT);
    }
  }

  private static void checkAll() {
    Random random = new Random(7);
    for (DType type : List.of(DType.F32, DType.BF16, DType.I8)) {
      for (int depth : DEPTHS) {
        for (int width : WIDTHS) {
          check(random, type, 2 + random.nextInt(15), depth, width);
        }
      }
    }
  }

  /** Two left sides, of which the second meets a part of W. */
  private static void check(Random random, DType type, int rows, int depth, int width) {
    try (Arena arena = Arena.ofConfined()) {
      GemmScratch scratch = new GemmScratch(arena);
      long columnBytes = (long) depth * type.bytes();
      MemorySegment w = arena.allocate(columnBytes * (width + 1) + 64, 64);
      for (long i = 0; i < (long) depth * (width + 1); i++) {
        switch (type) {
          case I8 -> w.set(ValueLayout.JAVA_BYTE, i, (byte) (random.nextInt(255) - 127));
          case F32 -> w.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
          default -> Halves.set(type, w, i * Halves.BYTES, random.nextFloat() - 0.5f);
        }
      }
      RowDots dots = new RowDots(scratch, 2, rows, depth, type, WARM);
      float[] x = new float[rows * depth];
      for (int i = 0; i < x.length; i++) {
        x[i] = random.nextFloat() - 0.5f;
      }
      for (int row = 0; row < rows; row++) {
        dots.pack(x.clone(), row * depth, 1, row);
      }
      dots.sum(scratch, 1, 0, rows, w, columnBytes, columnBytes, width);
      for (int row = 0; row < rows; row++) {
        for (int j = 0; j < width; j++) {
          double sum = 0;
          double size = 1e-30;
          for (int k = 0; k < depth; k++) {
            long index = (long) (j + 1) * depth + k;
            double y = number(type, w, index);
            sum += x[row * depth + k] * y;
            size += Math.abs(x[row * depth + k] * y);
          }
          assertThat((double) scratch.rows[row * SkinnyGemm.STRIP + j])
              .as("%s, row %d of %d, column %d of %d, depth %d", type, row, rows, j, width, depth)
              .isCloseTo(sum, Offset.offset(1e-6 * size));
        }
      }
    }
  }

  private static double number(DType type, MemorySegment w, long index) {
    return switch (type) {
      case I8 -> w.get(ValueLayout.JAVA_BYTE, index);
      case F32 -> w.getAtIndex(ValueLayout.JAVA_FLOAT, index);
      default -> Halves.get(type, w, index * Halves.BYTES);
    };
  }
}
