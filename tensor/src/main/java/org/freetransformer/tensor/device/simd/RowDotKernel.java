package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost loops of {@link RowDots}: a W of bf16 or 8 bits is widened in registers on its way
 * from memory. Eight or twelve sums and all they need fit 16 registers. A step is long enough that
 * C2 does not unroll the loop, which would spill the sums.
 */
final class RowDotKernel {
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final int HIGH_HALF = 0xFFFF_0000;
  private static final long VECTOR = GemmKernel.VECTOR_BYTES;

  private RowDotKernel() {}

  /**
   * Parts of the dot products of four rows with three columns of f32, row by row: a vector each.
   *
   * @param x for each vector of W the four rows' numbers, from byte {@code at} on
   * @param w0 first byte of a column
   * @param steps vectors of W in a column
   */
  static void singles(
      MemorySegment x,
      long at,
      MemorySegment w,
      long w0,
      long w1,
      long w2,
      int steps,
      float[] lanes) {
    FloatVector s00 = FloatVector.zero(SPECIES);
    FloatVector s01 = FloatVector.zero(SPECIES);
    FloatVector s02 = FloatVector.zero(SPECIES);
    FloatVector s10 = FloatVector.zero(SPECIES);
    FloatVector s11 = FloatVector.zero(SPECIES);
    FloatVector s12 = FloatVector.zero(SPECIES);
    FloatVector s20 = FloatVector.zero(SPECIES);
    FloatVector s21 = FloatVector.zero(SPECIES);
    FloatVector s22 = FloatVector.zero(SPECIES);
    FloatVector s30 = FloatVector.zero(SPECIES);
    FloatVector s31 = FloatVector.zero(SPECIES);
    FloatVector s32 = FloatVector.zero(SPECIES);
    for (int i = 0; i < steps; i++) {
      // A product of ints, or C2 takes checks of bounds out of the loop, and spills sums.
      int step = i * Lanes.COUNT;
      long k = at + (long) step * (4 * Float.BYTES);
      long from = (long) i * VECTOR;
      FloatVector y0 = Lanes.load(w, w0 + from);
      FloatVector y1 = Lanes.load(w, w1 + from);
      FloatVector y2 = Lanes.load(w, w2 + from);
      FloatVector row = Lanes.load(x, k);
      s00 = row.fma(y0, s00);
      s01 = row.fma(y1, s01);
      s02 = row.fma(y2, s02);
      row = Lanes.load(x, k + VECTOR);
      s10 = row.fma(y0, s10);
      s11 = row.fma(y1, s11);
      s12 = row.fma(y2, s12);
      row = Lanes.load(x, k + 2 * VECTOR);
      s20 = row.fma(y0, s20);
      s21 = row.fma(y1, s21);
      s22 = row.fma(y2, s22);
      row = Lanes.load(x, k + 3 * VECTOR);
      s30 = row.fma(y0, s30);
      s31 = row.fma(y1, s31);
      s32 = row.fma(y2, s32);
    }
    s00.intoArray(lanes, 0);
    s01.intoArray(lanes, Lanes.COUNT);
    s02.intoArray(lanes, 2 * Lanes.COUNT);
    s10.intoArray(lanes, 3 * Lanes.COUNT);
    s11.intoArray(lanes, 4 * Lanes.COUNT);
    s12.intoArray(lanes, 5 * Lanes.COUNT);
    s20.intoArray(lanes, 6 * Lanes.COUNT);
    s21.intoArray(lanes, 7 * Lanes.COUNT);
    s22.intoArray(lanes, 8 * Lanes.COUNT);
    s30.intoArray(lanes, 9 * Lanes.COUNT);
    s31.intoArray(lanes, 10 * Lanes.COUNT);
    s32.intoArray(lanes, 11 * Lanes.COUNT);
  }

  /**
   * Parts of the dot products of four rows with two columns of bf16, row by row: a vector each.
   *
   * @param x for each vector of W the four rows' even numbers, then their odd ones
   * @param w0 first byte of a column
   * @param steps vectors of W in a column
   */
  static void pairs(
      float[] x, int at, MemorySegment w, long w0, long w1, int steps, float[] lanes) {
    FloatVector s00 = FloatVector.zero(SPECIES);
    FloatVector s01 = FloatVector.zero(SPECIES);
    FloatVector s10 = FloatVector.zero(SPECIES);
    FloatVector s11 = FloatVector.zero(SPECIES);
    FloatVector s20 = FloatVector.zero(SPECIES);
    FloatVector s21 = FloatVector.zero(SPECIES);
    FloatVector s30 = FloatVector.zero(SPECIES);
    FloatVector s31 = FloatVector.zero(SPECIES);
    for (int i = 0; i < steps; i++) {
      int k = at + i * 8 * Lanes.COUNT;
      long from = (long) i * VECTOR;
      IntVector pair0 = IntVector.fromMemorySegment(INTS, w, w0 + from, ORDER);
      IntVector pair1 = IntVector.fromMemorySegment(INTS, w, w1 + from, ORDER);
      FloatVector y0 = pair0.lanewise(LSHL, 16).reinterpretAsFloats();
      FloatVector y1 = pair1.lanewise(LSHL, 16).reinterpretAsFloats();
      FloatVector row = FloatVector.fromArray(SPECIES, x, k);
      s00 = row.fma(y0, s00);
      s01 = row.fma(y1, s01);
      row = FloatVector.fromArray(SPECIES, x, k + Lanes.COUNT);
      s10 = row.fma(y0, s10);
      s11 = row.fma(y1, s11);
      row = FloatVector.fromArray(SPECIES, x, k + 2 * Lanes.COUNT);
      s20 = row.fma(y0, s20);
      s21 = row.fma(y1, s21);
      row = FloatVector.fromArray(SPECIES, x, k + 3 * Lanes.COUNT);
      s30 = row.fma(y0, s30);
      s31 = row.fma(y1, s31);
      y0 = pair0.and(HIGH_HALF).reinterpretAsFloats();
      y1 = pair1.and(HIGH_HALF).reinterpretAsFloats();
      row = FloatVector.fromArray(SPECIES, x, k + 4 * Lanes.COUNT);
      s00 = row.fma(y0, s00);
      s01 = row.fma(y1, s01);
      row = FloatVector.fromArray(SPECIES, x, k + 5 * Lanes.COUNT);
      s10 = row.fma(y0, s10);
      s11 = row.fma(y1, s11);
      row = FloatVector.fromArray(SPECIES, x, k + 6 * Lanes.COUNT);
      s20 = row.fma(y0, s20);
      s21 = row.fma(y1, s21);
      row = FloatVector.fromArray(SPECIES, x, k + 7 * Lanes.COUNT);
      s30 = row.fma(y0, s30);
      s31 = row.fma(y1, s31);
    }
    s00.intoArray(lanes, 0);
    s01.intoArray(lanes, Lanes.COUNT);
    s10.intoArray(lanes, 2 * Lanes.COUNT);
    s11.intoArray(lanes, 3 * Lanes.COUNT);
    s20.intoArray(lanes, 4 * Lanes.COUNT);
    s21.intoArray(lanes, 5 * Lanes.COUNT);
    s30.intoArray(lanes, 6 * Lanes.COUNT);
    s31.intoArray(lanes, 7 * Lanes.COUNT);
  }

  /**
   * Parts of the dot products of two rows with a column of 8 bits: a vector each.
   *
   * @param x for each vector of W the rows' numbers that are 0 mod 4, then those that are 1, 2, 3
   * @param distance of the two rows' vectors
   */
  static void quads(
      float[] x,
      int at,
      MemorySegment w,
      long column,
      int steps,
      float[] lanes,
      int to,
      int distance) {
    FloatVector s00 = FloatVector.zero(SPECIES);
    FloatVector s01 = FloatVector.zero(SPECIES);
    FloatVector s10 = FloatVector.zero(SPECIES);
    FloatVector s11 = FloatVector.zero(SPECIES);
    for (int i = 0; i < steps; i++) {
      int k = at + i * 8 * Lanes.COUNT;
      long from = column + (long) i * VECTOR;
      IntVector quad = IntVector.fromMemorySegment(INTS, w, from, ORDER);
      FloatVector y = floats(quad.lanewise(LSHL, 24));
      s00 = y.fma(FloatVector.fromArray(SPECIES, x, k), s00);
      s10 = y.fma(FloatVector.fromArray(SPECIES, x, k + Lanes.COUNT), s10);
      y = floats(quad.lanewise(LSHL, 16));
      s01 = y.fma(FloatVector.fromArray(SPECIES, x, k + 2 * Lanes.COUNT), s01);
      s11 = y.fma(FloatVector.fromArray(SPECIES, x, k + 3 * Lanes.COUNT), s11);
      y = floats(quad.lanewise(LSHL, 8));
      s00 = y.fma(FloatVector.fromArray(SPECIES, x, k + 4 * Lanes.COUNT), s00);
      s10 = y.fma(FloatVector.fromArray(SPECIES, x, k + 5 * Lanes.COUNT), s10);
      y = floats(quad);
      s01 = y.fma(FloatVector.fromArray(SPECIES, x, k + 6 * Lanes.COUNT), s01);
      s11 = y.fma(FloatVector.fromArray(SPECIES, x, k + 7 * Lanes.COUNT), s11);
    }
    s00.add(s01).intoArray(lanes, to);
    s10.add(s11).intoArray(lanes, to + distance);
  }

  /** The highest 8 bits of each lane as a number. */
  private static FloatVector floats(IntVector numbers) {
    return numbers.lanewise(ASHR, 24).convert(I2F, 0).reinterpretAsFloats();
  }
}
