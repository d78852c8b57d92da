package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.freetransformer.tensor.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GemmTest {
  private static final Arena ARENA = Arena.ofShared();
  private static final ThreadTeam TEAM = new ThreadTeam(2);
  private static final Gemm GEMM = new Gemm(TEAM);

  @AfterAll
  static void close() {
    GEMM.close();
    TEAM.close();
    ARENA.close();
  }

  @Test
  void agreesWithThePlainLoopOnAnyNumberOfThreads() {
    try (GemmCheck check = new GemmCheck()) {
      check.smallShapes();
      check.largeShapes();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 32})
  void agreesOnMachinesWithNarrowerVectors(int bytes) throws Exception {
    assertThat(ForkedJvm.run(List.of("-XX:MaxVectorSize=" + bytes), NarrowVectors.class))
        .contains("passed with %d lanes".formatted(bytes / Float.BYTES));
  }

  static final class NarrowVectors {
    public static void main(String[] args) {
      try (GemmCheck check = new GemmCheck()) {
        check.smallShapes();
        check.largeShapes();
      }
      System.out.printf("passed with %d lanes%n", Lanes.COUNT);
    }
  }

  /** Several threads share the packed B of such a product, one thread packs for itself. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sharedPanelsOfBfloat16GiveTheBitsOfOneThread(boolean transposed) {
    GemmShape shape = new GemmShape(1, 397, 421, 410);
    Random random = new Random(3);
    StridedMatrix a = bfloat16(random, shape.m(), shape.k(), transposed);
    StridedMatrix b = bfloat16(random, shape.k(), shape.n(), transposed);
    StridedMatrix one = bfloat16(new Random(4), shape.m(), shape.n(), false);
    StridedMatrix two = bfloat16(new Random(4), shape.m(), shape.n(), false);
    Product product = new Product(shape, a, b, two, 0.5f, true);
    GemmBlock block = new GemmBlock(product);
    assertThat(SharedGemm.suits(TEAM, shape, block)).isTrue();
    try (ThreadTeam alone = new ThreadTeam(1);
        Gemm gemm = new Gemm(alone)) {
      gemm.prepare(new Product(shape, a, b, one, 0.5f, true)).run();
    }
    GEMM.prepare(product).run();
    assertThat(two.memory().mismatch(one.memory())).isEqualTo(-1);
  }

  /** Members pack the next part while they multiply: two items, column blocks and slices of k. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void panelsPackedAheadGiveTheBitsOfOneThread(boolean accumulate) {
    int n = GemmScratch.BLOCK_ELEMENTS / GemmKernel.MAX_DEPTH + 77;
    GemmShape shape = new GemmShape(2, n / 3, n, 2 * GemmKernel.MAX_DEPTH - 7);
    Random random = new Random(5);
    StridedMatrix a = floats(random, shape, shape.m(), shape.k());
    StridedMatrix b = floats(random, shape, shape.k(), n);
    StridedMatrix one = floats(new Random(6), shape, shape.m(), n);
    StridedMatrix two = floats(new Random(6), shape, shape.m(), n);
    Product product = new Product(shape, a, b, two, 1f, accumulate);
    GemmBlock block = new GemmBlock(product);
    assertThat(SharedGemm.suits(TEAM, shape, block)).isTrue();
    assertThat(block.maxPanels() * GemmKernel.COLUMNS).isLessThan(n);
    assertThat(block.depth()).isLessThan(shape.k());
    try (ThreadTeam alone = new ThreadTeam(1);
        Gemm gemm = new Gemm(alone)) {
      gemm.prepare(new Product(shape, a, b, one, 1f, accumulate)).run();
    }
    GEMM.prepare(product).run();
    assertThat(two.memory().mismatch(one.memory())).isEqualTo(-1);
  }

  private static StridedMatrix floats(Random random, GemmShape shape, int rows, int columns) {
    MemorySegment memory = ARENA.allocate(4L * shape.batch() * rows * columns, 64);
    for (int i = 0; i < shape.batch() * rows * columns; i++) {
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
    }
    return new StridedMatrix(memory, 0, (long) rows * columns, columns, 1);
  }

  private static StridedMatrix bfloat16(Random random, int rows, int columns, boolean transposed) {
    MemorySegment memory = ARENA.allocate(2L * rows * columns, 64);
    for (int i = 0; i < rows * columns; i++) {
      short number = (short) (Float.floatToIntBits(random.nextFloat() - 0.5f) >>> 16);
      memory.setAtIndex(ValueLayout.JAVA_SHORT, i, number);
    }
    return new StridedMatrix(
        memory, DType.BF16, 0, 0, transposed ? 1 : columns, transposed ? rows : 1);
  }

  private static StridedMatrix rowMajor(MemorySegment memory, long offset, long rowStride) {
    return new StridedMatrix(memory, offset, 0, rowStride, 1);
  }

  @Test
  void repeatedElementsThroughStrideZero() {
    MemorySegment memory = ARENA.allocate(4 * 400, 64);
    memory.setAtIndex(ValueLayout.JAVA_FLOAT, 0, 3f);
    StridedMatrix three = new StridedMatrix(memory, 0, 0, 0, 0);
    StridedMatrix c = rowMajor(memory, 1, 19);
    GEMM.prepare(new Product(new GemmShape(1, 20, 19, 11), three, three, c, 1f, false)).run();
    for (int i = 1; i <= 380; i++) {
      assertThat(memory.getAtIndex(ValueLayout.JAVA_FLOAT, i)).isEqualTo(99f);
    }
  }

  @Test
  void refusesOperandsBeyondTheirMemory() {
    MemorySegment memory = ARENA.allocate(4 * 100, 64);
    StridedMatrix fits = rowMajor(memory, 0, 10);
    StridedMatrix beyond = rowMajor(memory, 1, 10);
    assertThatThrownBy(() ->
            GEMM.prepare(new Product(new GemmShape(1, 10, 10, 10), fits, beyond, fits, 1f, false)))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("B [1, 10, 10]")
        .hasMessageContaining("ends at element 100 of 100");
  }

  @Test
  void refusesScatteredC() {
    MemorySegment memory = ARENA.allocate(4 * 4000, 64);
    StridedMatrix x = rowMajor(memory, 0, 20);
    StridedMatrix scattered = new StridedMatrix(memory, 0, 0, 40, 2);
    assertThatThrownBy(() ->
            GEMM.prepare(new Product(new GemmShape(1, 20, 20, 20), x, x, scattered, 1f, false)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("row stride 40 and column stride 2");
  }
}
