package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.A_STRIDE;
import static org.freetransformer.tensor.device.simd.Lanes.ORDER;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * A square tile of 16 rows and one 512-bit vector, from two panels of that width: what a C of up to
 * 16 rows and columns needs, where tiles of two vectors would compute half for nothing.
 */
final class SquareTile {
  /** Rows of the tile. */
  static final int ROWS = 16;

  private SquareTile() {}

  /**
   * Adds the product of Aᵀ, of which {@code a} holds columns, and B.
   *
   * @param a [depth, Lanes.COUNT] from {@code aStart} on; its first {@link #ROWS} columns count
   * @param b [depth, Lanes.COUNT] from {@code bStart} on
   * @param c the tile's rows, Lanes.COUNT apart, from {@code cStart} on
   */
  static void addColumns(
      float[] a, int aStart, float[] b, int bStart, int depth, float[] c, int cStart) {
    FloatVector s0 = FloatVector.fromArray(SPECIES, c, cStart);
    FloatVector s1 = FloatVector.fromArray(SPECIES, c, cStart + Lanes.COUNT);
    FloatVector s2 = FloatVector.fromArray(SPECIES, c, cStart + 2 * Lanes.COUNT);
    FloatVector s3 = FloatVector.fromArray(SPECIES, c, cStart + 3 * Lanes.COUNT);
    FloatVector s4 = FloatVector.fromArray(SPECIES, c, cStart + 4 * Lanes.COUNT);
    FloatVector s5 = FloatVector.fromArray(SPECIES, c, cStart + 5 * Lanes.COUNT);
    FloatVector s6 = FloatVector.fromArray(SPECIES, c, cStart + 6 * Lanes.COUNT);
    FloatVector s7 = FloatVector.fromArray(SPECIES, c, cStart + 7 * Lanes.COUNT);
    FloatVector s8 = FloatVector.fromArray(SPECIES, c, cStart + 8 * Lanes.COUNT);
    FloatVector s9 = FloatVector.fromArray(SPECIES, c, cStart + 9 * Lanes.COUNT);
    FloatVector s10 = FloatVector.fromArray(SPECIES, c, cStart + 10 * Lanes.COUNT);
    FloatVector s11 = FloatVector.fromArray(SPECIES, c, cStart + 11 * Lanes.COUNT);
    FloatVector s12 = FloatVector.fromArray(SPECIES, c, cStart + 12 * Lanes.COUNT);
    FloatVector s13 = FloatVector.fromArray(SPECIES, c, cStart + 13 * Lanes.COUNT);
    FloatVector s14 = FloatVector.fromArray(SPECIES, c, cStart + 14 * Lanes.COUNT);
    FloatVector s15 = FloatVector.fromArray(SPECIES, c, cStart + 15 * Lanes.COUNT);
    for (int k = 0; k < depth * Lanes.COUNT; k += Lanes.COUNT) {
      int x = aStart + k;
      FloatVector y = FloatVector.fromArray(SPECIES, b, bStart + k);
      s0 = y.fma(FloatVector.broadcast(SPECIES, a[x]), s0);
      s1 = y.fma(FloatVector.broadcast(SPECIES, a[x + 1]), s1);
      s2 = y.fma(FloatVector.broadcast(SPECIES, a[x + 2]), s2);
      s3 = y.fma(FloatVector.broadcast(SPECIES, a[x + 3]), s3);
      s4 = y.fma(FloatVector.broadcast(SPECIES, a[x + 4]), s4);
      s5 = y.fma(FloatVector.broadcast(SPECIES, a[x + 5]), s5);
      s6 = y.fma(FloatVector.broadcast(SPECIES, a[x + 6]), s6);
      s7 = y.fma(FloatVector.broadcast(SPECIES, a[x + 7]), s7);
      s8 = y.fma(FloatVector.broadcast(SPECIES, a[x + 8]), s8);
      s9 = y.fma(FloatVector.broadcast(SPECIES, a[x + 9]), s9);
      s10 = y.fma(FloatVector.broadcast(SPECIES, a[x + 10]), s10);
      s11 = y.fma(FloatVector.broadcast(SPECIES, a[x + 11]), s11);
      s12 = y.fma(FloatVector.broadcast(SPECIES, a[x + 12]), s12);
      s13 = y.fma(FloatVector.broadcast(SPECIES, a[x + 13]), s13);
      s14 = y.fma(FloatVector.broadcast(SPECIES, a[x + 14]), s14);
      s15 = y.fma(FloatVector.broadcast(SPECIES, a[x + 15]), s15);
    }
    s0.intoArray(c, cStart);
    s1.intoArray(c, cStart + Lanes.COUNT);
    s2.intoArray(c, cStart + 2 * Lanes.COUNT);
    s3.intoArray(c, cStart + 3 * Lanes.COUNT);
    s4.intoArray(c, cStart + 4 * Lanes.COUNT);
    s5.intoArray(c, cStart + 5 * Lanes.COUNT);
    s6.intoArray(c, cStart + 6 * Lanes.COUNT);
    s7.intoArray(c, cStart + 7 * Lanes.COUNT);
    s8.intoArray(c, cStart + 8 * Lanes.COUNT);
    s9.intoArray(c, cStart + 9 * Lanes.COUNT);
    s10.intoArray(c, cStart + 10 * Lanes.COUNT);
    s11.intoArray(c, cStart + 11 * Lanes.COUNT);
    s12.intoArray(c, cStart + 12 * Lanes.COUNT);
    s13.intoArray(c, cStart + 13 * Lanes.COUNT);
    s14.intoArray(c, cStart + 14 * Lanes.COUNT);
    s15.intoArray(c, cStart + 15 * Lanes.COUNT);
  }

  /**
   * Adds the product of 16 rows of A, and B.
   *
   * @param a rows {@link GemmKernel#A_STRIDE} apart from its beginning on
   * @param b [depth, Lanes.COUNT], its rows {@code bRow} bytes apart from {@code bStart} on
   * @param c the tile's rows, Lanes.COUNT apart
   */
  static void addRows(float[] a, MemorySegment b, long bStart, long bRow, int depth, float[] c) {
    FloatVector s0 = FloatVector.fromArray(SPECIES, c, 0);
    FloatVector s1 = FloatVector.fromArray(SPECIES, c, Lanes.COUNT);
    FloatVector s2 = FloatVector.fromArray(SPECIES, c, 2 * Lanes.COUNT);
    FloatVector s3 = FloatVector.fromArray(SPECIES, c, 3 * Lanes.COUNT);
    FloatVector s4 = FloatVector.fromArray(SPECIES, c, 4 * Lanes.COUNT);
    FloatVector s5 = FloatVector.fromArray(SPECIES, c, 5 * Lanes.COUNT);
    FloatVector s6 = FloatVector.fromArray(SPECIES, c, 6 * Lanes.COUNT);
    FloatVector s7 = FloatVector.fromArray(SPECIES, c, 7 * Lanes.COUNT);
    FloatVector s8 = FloatVector.fromArray(SPECIES, c, 8 * Lanes.COUNT);
    FloatVector s9 = FloatVector.fromArray(SPECIES, c, 9 * Lanes.COUNT);
    FloatVector s10 = FloatVector.fromArray(SPECIES, c, 10 * Lanes.COUNT);
    FloatVector s11 = FloatVector.fromArray(SPECIES, c, 11 * Lanes.COUNT);
    FloatVector s12 = FloatVector.fromArray(SPECIES, c, 12 * Lanes.COUNT);
    FloatVector s13 = FloatVector.fromArray(SPECIES, c, 13 * Lanes.COUNT);
    FloatVector s14 = FloatVector.fromArray(SPECIES, c, 14 * Lanes.COUNT);
    FloatVector s15 = FloatVector.fromArray(SPECIES, c, 15 * Lanes.COUNT);
    for (int k = 0; k < depth; k++) {
      FloatVector y = FloatVector.fromMemorySegment(SPECIES, b, bStart + k * bRow, ORDER);
      s0 = y.fma(FloatVector.broadcast(SPECIES, a[k]), s0);
      s1 = y.fma(FloatVector.broadcast(SPECIES, a[A_STRIDE + k]), s1);
      s2 = y.fma(FloatVector.broadcast(SPECIES, a[2 * A_STRIDE + k]), s2);
      s3 = y.fma(FloatVector.broadcast(SPECIES, a[3 * A_STRIDE + k]), s3);
      s4 = y.fma(FloatVector.broadcast(SPECIES, a[4 * A_STRIDE + k]), s4);
      s5 = y.fma(FloatVector.broadcast(SPECIES, a[5 * A_STRIDE + k]), s5);
      s6 = y.fma(FloatVector.broadcast(SPECIES, a[6 * A_STRIDE + k]), s6);
      s7 = y.fma(FloatVector.broadcast(SPECIES, a[7 * A_STRIDE + k]), s7);
      s8 = y.fma(FloatVector.broadcast(SPECIES, a[8 * A_STRIDE + k]), s8);
      s9 = y.fma(FloatVector.broadcast(SPECIES, a[9 * A_STRIDE + k]), s9);
      s10 = y.fma(FloatVector.broadcast(SPECIES, a[10 * A_STRIDE + k]), s10);
      s11 = y.fma(FloatVector.broadcast(SPECIES, a[11 * A_STRIDE + k]), s11);
      s12 = y.fma(FloatVector.broadcast(SPECIES, a[12 * A_STRIDE + k]), s12);
      s13 = y.fma(FloatVector.broadcast(SPECIES, a[13 * A_STRIDE + k]), s13);
      s14 = y.fma(FloatVector.broadcast(SPECIES, a[14 * A_STRIDE + k]), s14);
      s15 = y.fma(FloatVector.broadcast(SPECIES, a[15 * A_STRIDE + k]), s15);
    }
    s0.intoArray(c, 0);
    s1.intoArray(c, Lanes.COUNT);
    s2.intoArray(c, 2 * Lanes.COUNT);
    s3.intoArray(c, 3 * Lanes.COUNT);
    s4.intoArray(c, 4 * Lanes.COUNT);
    s5.intoArray(c, 5 * Lanes.COUNT);
    s6.intoArray(c, 6 * Lanes.COUNT);
    s7.intoArray(c, 7 * Lanes.COUNT);
    s8.intoArray(c, 8 * Lanes.COUNT);
    s9.intoArray(c, 9 * Lanes.COUNT);
    s10.intoArray(c, 10 * Lanes.COUNT);
    s11.intoArray(c, 11 * Lanes.COUNT);
    s12.intoArray(c, 12 * Lanes.COUNT);
    s13.intoArray(c, 13 * Lanes.COUNT);
    s14.intoArray(c, 14 * Lanes.COUNT);
    s15.intoArray(c, 15 * Lanes.COUNT);
  }
}
