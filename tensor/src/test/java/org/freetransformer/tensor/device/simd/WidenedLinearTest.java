package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.freetransformer.tensor.DType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WidenedLinearTest {
  private static final int[] ROWS = {17, 33};
  private static final int[] DEPTHS = {1, 7, 31, 64, 2011};
  private static final int[] OUTPUTS = {1, 16, 97, 300};

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
    Random random = new Random(3);
    try (ThreadTeam team = new ThreadTeam(2);
        Gemm gemm = new Gemm(team)) {
      for (DType type : List.of(DType.I8, DType.BF16)) {
        for (int rows : ROWS) {
          for (int depth : DEPTHS) {
            for (int outputs : OUTPUTS) {
              check(team, gemm, random, type, new GemmShape(1, rows, outputs, depth));
            }
          }
        }
      }
    }
  }

  private static void check(
      ThreadTeam team, Gemm gemm, Random random, DType type, GemmShape shape) {
    int depth = shape.k();
    int outputs = shape.n();
    try (Arena arena = Arena.ofShared()) {
      MemorySegment x = numbers(arena, random, shape.m() * depth);
      MemorySegment y = numbers(arena, random, shape.m() * outputs);
      MemorySegment before = arena.allocate(y.byteSize(), 64).copyFrom(y);
      MemorySegment w = weights(arena, random, type, outputs * depth);
      @Nullable MemorySegment scales = type == DType.I8 ? numbers(arena, random, outputs) : null;
      Product product =
          new Product(
              shape,
              new StridedMatrix(x, 0, 0, depth, 1),
              new StridedMatrix(w, type, 0, 0, 1, depth),
              new StridedMatrix(y, 0, 0, outputs, 1),
              1,
              random.nextBoolean());
      assertThat(WidenedLinear.suits(product)).isTrue();
      MemorySegment wide = arena.allocate(WidenedLinear.room(product), 64);
      wide.fill((byte) 0xff);
      new WidenedLinear(team, gemm, wide, product, scales).run();
      for (int i = 0; i < shape.m() * outputs; i++) {
        double sum = product.accumulate() ? at(before, i) : 0;
        double size = Math.abs(sum);
        for (int k = 0; k < depth; k++) {
          double term = at(x, i / outputs * depth + k) * weight(w, type, i % outputs * depth + k);
          term *= scales == null ? 1 : at(scales, i % outputs);
          sum += term;
          size += Math.abs(term);
        }
        assertThat((double) at(y, i))
            .as("%s %s, element %d", type, shape, i)
            .isCloseTo(sum, Offset.offset(1e-6 * size));
      }
    }
  }

  private static MemorySegment numbers(Arena arena, Random random, int count) {
    MemorySegment numbers = arena.allocate(4L * count, 64);
    for (int i = 0; i < count; i++) {
      numbers.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
    }
    return numbers;
  }

  private static MemorySegment weights(Arena arena, Random random, DType type, int count) {
    MemorySegment weights = arena.allocate((long) type.bytes() * count, 64);
    for (int i = 0; i < count; i++) {
      if (type == DType.I8) {
        weights.set(ValueLayout.JAVA_BYTE, i, (byte) (random.nextInt(255) - 127));
      } else {
        Halves.set(type, weights, (long) i * Halves.BYTES, random.nextFloat() - 0.5f);
      }
    }
    return weights;
  }

  private static float weight(MemorySegment weights, DType type, int index) {
    return type == DType.I8
        ? weights.get(ValueLayout.JAVA_BYTE, index)
        : Halves.get(type, weights, (long) index * Halves.BYTES);
  }

  private static float at(MemorySegment numbers, int index) {
    return numbers.getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }
}
