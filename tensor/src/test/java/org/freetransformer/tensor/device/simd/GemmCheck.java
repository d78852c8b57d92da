package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.assertj.core.data.Offset;

/**
 * Compares matrix products on 1, 2 and 3 threads with a plain triple loop in double; all of C's
 * memory is compared, so that a write beside C is found as well.
 */
final class GemmCheck implements AutoCloseable {
  private static final int[] SIZES = {
    0, 1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 23, 31, 32, 33, 47, 48, 49, 61, 64, 65, 97, 128
  };

  private final Arena arena = Arena.ofShared();
  private final ThreadTeam[] teams = {new ThreadTeam(1), new ThreadTeam(2), new ThreadTeam(3)};
  private final Gemm[] gemms = {new Gemm(teams[0]), new Gemm(teams[1]), new Gemm(teams[2])};

  void smallShapes() {
    Random random = new Random(1);
    for (int i = 0; i < 400; i++) {
      int batch = random.nextInt(10) == 0 ? 0 : 1 + random.nextInt(3);
      GemmShape shape = new GemmShape(batch, size(random), size(random), Math.max(1, size(random)));
      compare(random, shape, random.nextBoolean(), random.nextBoolean());
    }
  }

  /**
   * Several slices of k, several blocks of rows and columns, both thin sides; the last ones are
   * large enough for threads to share the packed B.
   */
  void largeShapes() {
    Random random = new Random(2);
    for (int[] s :
        new int[][] {
          {1, 100, 70, 512},
          {1, 61, 45, 513},
          {1, 50, 33, 1531},
          {1, 600, 530, 20},
          {1, 1, 1100, 1030},
          {1, 7, 700, 1025},
          {1, 1100, 3, 600},
          {2, 530, 1, 1040},
          {1, 13, 2100, 140},
          {20, 17, 19, 40},
          {1, 16, 16, 1025},
          {2, 11, 13, 1290},
          {2, 103, 14, 600},
          {1, 130, 1040, 8},
          {2, 61, 192, 5},
          {1, 1100, 208, 7},
          {3, 14, 9, 2311},
          {1, 6, 16, 130},
          {1, 31, 300, 1027},
          {1, 16, 1101, 517},
          {1, 47, 650, 160},
          {1, 200, 650, 1030},
          {1, 158, 600, 600},
          {1, 127, 500, 131},
          {3, 7, 5, 530},
          {1, 300, 11, 300},
          {1, 700, 300, 8},
          {1, 1100, 5, 3},
          {2, 3, 1300, 7},
          {1, 1030, 1, 19},
          {2, 5, 1, 1024},
          {1, 13, 64, 1030},
          {2, 5, 1100, 33},
          {1, 4, 4, 1025},
          {2, 16, 2, 700},
          {1, 530, 13, 70},
          {1, 397, 331, 530},
          {1, 150, 1150, 400},
          {2, 263, 517, 499}
        }) {
      for (int layout = 0; layout < 4; layout++) {
        GemmShape shape = new GemmShape(s[0], s[1], s[2], s[3]);
        compare(random, shape, layout % 2 == 1, layout / 2 == 1);
      }
    }
  }

  @Override
  public void close() {
    for (int i = 0; i < teams.length; i++) {
      gemms[i].close();
      teams[i].close();
    }
    arena.close();
  }

  private static int size(Random random) {
    return SIZES[random.nextInt(SIZES.length)];
  }

  private void compare(Random random, GemmShape shape, boolean aTransposed, boolean bTransposed) {
    StridedMatrix a = matrix(random, shape.batch(), shape.m(), shape.k(), aTransposed, true);
    StridedMatrix b = matrix(random, shape.batch(), shape.k(), shape.n(), bTransposed, true);
    boolean cTransposed = random.nextInt(4) == 0;
    StridedMatrix c = matrix(random, shape.batch(), shape.m(), shape.n(), cTransposed, false);
    float alpha = random.nextBoolean() ? 1f : random.nextFloat() - 0.5f;
    Product given = new Product(shape, a, b, c, alpha, random.nextBoolean());
    float[] initial = elements(c);
    double[] expected = product(given);
    double[] scale = magnitude(given);

    float[][] results = new float[gemms.length][];
    for (int t = 0; t < gemms.length; t++) {
      MemorySegment.copy(initial, 0, c.memory(), ValueLayout.JAVA_FLOAT, 0, initial.length);
      gemms[t].prepare(given).run();
      results[t] = elements(c);
    }
    for (int i = 0; i < expected.length; i++) {
      double tolerance = (shape.k() + 2) * 0x1p-24 * scale[i];
      if (!(Math.abs(results[0][i] - expected[i]) <= tolerance)) {
        assertThat((double) results[0][i])
            .as("element %d of %s", i, given)
            .isCloseTo(expected[i], Offset.offset(tolerance));
      }
    }
    assertThat(results[1]).as("2 threads: %s", given).isEqualTo(results[0]);
    assertThat(results[2]).as("3 threads: %s", given).isEqualTo(results[0]);
  }

  /** A matrix in one of several layouts, inside memory that holds more than it. */
  private StridedMatrix matrix(
      Random random, int batch, int rows, int columns, boolean transposed, boolean anyStrides) {
    int padding = random.nextInt(3) * random.nextInt(20);
    long step = anyStrides && random.nextInt(6) == 0 ? 2 : 1;
    long line = ((transposed ? rows : columns) + padding) * step;
    long lines = transposed ? columns : rows;
    long batchStride = line * lines + random.nextInt(2) * 5L;
    long offset = random.nextInt(40);
    long elements = offset + Math.max(1, batch * batchStride) + random.nextInt(3);
    MemorySegment memory = arena.allocate(elements * Float.BYTES, 64);
    for (long i = 0; i < elements; i++) {
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
    }
    return transposed
        ? new StridedMatrix(memory, offset, batchStride, step, line)
        : new StridedMatrix(memory, offset, batchStride, line, step);
  }

  private static float[] elements(StridedMatrix x) {
    return x.memory().toArray(ValueLayout.JAVA_FLOAT);
  }

  private static float at(StridedMatrix x, int item, int i, int j) {
    return x.memory().getAtIndex(ValueLayout.JAVA_FLOAT, index(x, item, i, j));
  }

  private static long index(StridedMatrix x, int item, int i, int j) {
    return x.offset() + item * x.batchStride() + i * x.rowStride() + j * x.columnStride();
  }

  private static double[] product(Product given) {
    GemmShape shape = given.shape();
    StridedMatrix c = given.c();
    float[] initial = elements(c);
    double[] result = new double[initial.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = initial[i];
    }
    for (int item = 0; item < shape.batch(); item++) {
      for (int i = 0; i < shape.m(); i++) {
        for (int j = 0; j < shape.n(); j++) {
          double sum = 0;
          for (int k = 0; k < shape.k(); k++) {
            sum += (double) at(given.a(), item, i, k) * at(given.b(), item, k, j);
          }
          int where = (int) index(c, item, i, j);
          result[where] = given.alpha() * sum + (given.accumulate() ? result[where] : 0);
        }
      }
    }
    return result;
  }

  /** Sums of absolute values, which rounding errors are measured by; 0 outside C. */
  private static double[] magnitude(Product given) {
    GemmShape shape = given.shape();
    StridedMatrix c = given.c();
    double[] result = new double[(int) (c.memory().byteSize() / Float.BYTES)];
    for (int item = 0; item < shape.batch(); item++) {
      for (int i = 0; i < shape.m(); i++) {
        for (int j = 0; j < shape.n(); j++) {
          double sum = 0;
          for (int k = 0; k < shape.k(); k++) {
            sum += Math.abs((double) at(given.a(), item, i, k) * at(given.b(), item, k, j));
          }
          int where = (int) index(c, item, i, j);
          result[where] = Math.abs(given.alpha()) * sum + (given.accumulate() ? 1 : 0);
        }
      }
    }
    return result;
  }
}
