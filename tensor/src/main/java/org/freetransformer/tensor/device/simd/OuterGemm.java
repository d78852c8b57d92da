package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.VECTOR_BYTES;
import static org.freetransformer.tensor.device.simd.Lanes.ORDER;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;
import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Matrix product of up to 8 steps of k, a sum of so many outer products, with 512-bit vectors: two
 * rows of A stay in 16 registers, an element each, while columns of B stream past from the
 * first-level cache and C is written along its rows.
 */
final class OuterGemm extends ProductKernel implements ThreadTeam.Task {
  /** Steps of k that a row of A holds; further ones are zeros. */
  private static final int DEPTH = 8;

  // With fewer steps, or fewer columns to a pair of rows, tiles of ShallowGemm are as fast.
  private static final int MIN_DEPTH = 5;
  private static final int MIN_COLUMNS = 192;

  private static final int ROWS = 2;
  private static final int MIN_ROWS = 24;

  // Columns of B that fill two thirds of the first-level cache.
  private static final int STRIP = 1024;

  // Most rows of A copied at a time.
  private static final int ROW_BLOCK = 512;

  private static final long CRUMB = 1 << 16;

  private final int strips;
  private final int rowBlocks;

  /** Sizes must not be 0. */
  OuterGemm(ThreadTeam team, GemmScratch[] scratch, Product product) {
    super(team, scratch, product);
    strips = Math.ceilDiv(shape.n(), STRIP);
    long crumbs = Math.ceilDiv(shape.multiplyAdds(), CRUMB);
    long most = Math.min(team.enoughTasks(), crumbs) / ((long) shape.batch() * strips);
    rowBlocks = Math.clamp(most, 1, Math.ceilDiv(shape.m(), MIN_ROWS));
  }

  /** Whether this way suits a product: B and C in whole vectors. */
  static boolean suits(Product product) {
    GemmShape shape = product.shape();
    return GemmKernel.READS_IN_PLACE
        && !product.accumulate()
        && shape.k() >= MIN_DEPTH
        && shape.k() <= DEPTH
        && shape.m() >= MIN_ROWS
        && shape.n() % Lanes.COUNT == 0
        && shape.n() >= MIN_COLUMNS
        && product.b().columnStride() == 1
        && product.c().columnStride() == 1;
  }

  @Override
  public void run() {
    team.run(Math.multiplyExact(shape.batch(), strips * rowBlocks), this);
  }

  @Override
  public void run(int index, int worker) {
    int item = index / (strips * rowBlocks);
    int column = index / rowBlocks % strips * STRIP;
    int columnEnd = Math.min(shape.n(), column + STRIP);
    int block = index % rowBlocks;
    int row = GemmBlock.cut(shape.m(), block, rowBlocks);
    int rowEnd = GemmBlock.cut(shape.m(), block + 1, rowBlocks);
    MemorySegment panels = scratch[worker].b();
    packColumns(item, column, columnEnd, panels);
    int parts = Math.ceilDiv(rowEnd - row, ROW_BLOCK);
    for (int part = 0; part < parts; part++) {
      int i = row + GemmBlock.cut(rowEnd - row, part, parts);
      int rows = row + GemmBlock.cut(rowEnd - row, part + 1, parts) - i;
      copyRows(item, i, rows, scratch[worker].a);
      multiplyRows(scratch[worker], panels, item, i, rows, column, columnEnd);
    }
  }

  /** A vector of each of B's rows after the other, then those of the next columns. */
  private void packColumns(int item, int column, int columnEnd, MemorySegment panels) {
    long start = b.start(item) + (long) column * Float.BYTES;
    int columns = columnEnd - column;
    for (int k = 0; k < shape.k(); k++) {
      packRow(b.memory(), start + k * b.rowBytes(), columns, panels, k * VECTOR_BYTES);
    }
    for (int k = shape.k(); k < DEPTH; k++) {
      clearRow(columns, panels, k * VECTOR_BYTES);
    }
  }

  private static void packRow(
      MemorySegment b, long from, int columns, MemorySegment panels, long to) {
    MemorySegment target = Lanes.offHeap(panels);
    for (int j = 0; j < columns; j += Lanes.COUNT) {
      Lanes.load(b, from + (long) j * Float.BYTES)
          .intoMemorySegment(target, to + (long) j * DEPTH * Float.BYTES, ORDER);
    }
  }

  private static void clearRow(int columns, MemorySegment panels, long to) {
    FloatVector zero = FloatVector.zero(SPECIES);
    MemorySegment target = Lanes.offHeap(panels);
    for (int j = 0; j < columns; j += Lanes.COUNT) {
      zero.intoMemorySegment(target, to + (long) j * DEPTH * Float.BYTES, ORDER);
    }
  }

  /** Rows of 8 elements. */
  private void copyRows(int item, int row, int rows, float[] to) {
    long start = a.start(item) + row * a.rowBytes();
    for (int i = 0; i < rows; i++) {
      for (int k = 0; k < DEPTH; k++) {
        to[i * DEPTH + k] =
            k < shape.k()
                ? a.memory().get(FLOAT, start + i * a.rowBytes() + k * a.columnBytes())
                : 0f;
      }
    }
  }

  private void multiplyRows(
      GemmScratch scratch,
      MemorySegment panels,
      int item,
      int row,
      int rows,
      int column,
      int columnEnd) {
    int columns = columnEnd - column;
    for (int i = 0; i < rows; i += ROWS) {
      // The last row of an odd number is computed again together with the one before.
      int first = Math.min(i, rows - ROWS);
      long to = c.start(item) + (row + first) * c.rowBytes() + (long) column * Float.BYTES;
      multiply(scratch.a, first * DEPTH, panels, columns, alpha, c.memory(), to, to + c.rowBytes());
    }
  }

  /**
   * Two rows of C = alpha·A·B.
   *
   * @param a two rows of 8 elements from {@code at} on
   * @param b for each vector of columns, its 8 rows
   * @param columns whole vectors
   */
  static void multiply(
      float[] a,
      int at,
      MemorySegment b,
      int columns,
      float alpha,
      MemorySegment c,
      long first,
      long second) {
    FloatVector p0 = FloatVector.broadcast(SPECIES, a[at]);
    FloatVector p1 = FloatVector.broadcast(SPECIES, a[at + 1]);
    FloatVector p2 = FloatVector.broadcast(SPECIES, a[at + 2]);
    FloatVector p3 = FloatVector.broadcast(SPECIES, a[at + 3]);
    FloatVector p4 = FloatVector.broadcast(SPECIES, a[at + 4]);
    FloatVector p5 = FloatVector.broadcast(SPECIES, a[at + 5]);
    FloatVector p6 = FloatVector.broadcast(SPECIES, a[at + 6]);
    FloatVector p7 = FloatVector.broadcast(SPECIES, a[at + 7]);
    FloatVector q0 = FloatVector.broadcast(SPECIES, a[at + 8]);
    FloatVector q1 = FloatVector.broadcast(SPECIES, a[at + 9]);
    FloatVector q2 = FloatVector.broadcast(SPECIES, a[at + 10]);
    FloatVector q3 = FloatVector.broadcast(SPECIES, a[at + 11]);
    FloatVector q4 = FloatVector.broadcast(SPECIES, a[at + 12]);
    FloatVector q5 = FloatVector.broadcast(SPECIES, a[at + 13]);
    FloatVector q6 = FloatVector.broadcast(SPECIES, a[at + 14]);
    FloatVector q7 = FloatVector.broadcast(SPECIES, a[at + 15]);
    FloatVector scale = FloatVector.broadcast(SPECIES, alpha);
    MemorySegment target = Lanes.offHeap(c);
    for (int j = 0; j < columns; j += Lanes.COUNT) {
      long panel = (long) j * DEPTH * Float.BYTES;
      long to = (long) j * Float.BYTES;
      FloatVector y0 = FloatVector.fromMemorySegment(SPECIES, b, panel, ORDER);
      FloatVector s = p0.mul(y0);
      FloatVector t = q0.mul(y0);
      FloatVector y1 = FloatVector.fromMemorySegment(SPECIES, b, panel + VECTOR_BYTES, ORDER);
      s = p1.fma(y1, s);
      t = q1.fma(y1, t);
      FloatVector y2 = FloatVector.fromMemorySegment(SPECIES, b, panel + 2 * VECTOR_BYTES, ORDER);
      s = p2.fma(y2, s);
      t = q2.fma(y2, t);
      FloatVector y3 = FloatVector.fromMemorySegment(SPECIES, b, panel + 3 * VECTOR_BYTES, ORDER);
      s = p3.fma(y3, s);
      t = q3.fma(y3, t);
      FloatVector y4 = FloatVector.fromMemorySegment(SPECIES, b, panel + 4 * VECTOR_BYTES, ORDER);
      s = p4.fma(y4, s);
      t = q4.fma(y4, t);
      FloatVector y5 = FloatVector.fromMemorySegment(SPECIES, b, panel + 5 * VECTOR_BYTES, ORDER);
      s = p5.fma(y5, s);
      t = q5.fma(y5, t);
      FloatVector y6 = FloatVector.fromMemorySegment(SPECIES, b, panel + 6 * VECTOR_BYTES, ORDER);
      s = p6.fma(y6, s);
      t = q6.fma(y6, t);
      FloatVector y7 = FloatVector.fromMemorySegment(SPECIES, b, panel + 7 * VECTOR_BYTES, ORDER);
      s = p7.fma(y7, s);
      t = q7.fma(y7, t);
      s.mul(scale).intoMemorySegment(target, first + to, ORDER);
      t.mul(scale).intoMemorySegment(target, second + to, ORDER);
    }
  }
}
