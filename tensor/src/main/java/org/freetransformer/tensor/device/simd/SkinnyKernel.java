package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static org.freetransformer.tensor.device.simd.Lanes.ORDER;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;
import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost loops of {@link SkinnyGemm}. The order of every sum is fixed: ascending k in the
 * strips; in the dot products one sum per vector lane, then a tree of these, then what k leaves
 * over.
 */
final class SkinnyKernel {
  /** Rows of W that {@link #addToOne} adds at once. */
  static final int ONE_DEPTH = 8;

  /** Rows of W that {@link #addToFour} adds at once. */
  static final int FOUR_DEPTH = 4;

  /** Columns of W in one call of a dot product. */
  static final int DOT_COLUMNS = 4;

  /** Rows of X that one pass over W serves, where there are several. */
  static final int ROWS = 4;

  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;

  /** Numbers of bfloat16 that fill a vector. */
  static final int PAIRS = 2 * Lanes.COUNT;

  // C2 unrolls no loop in such steps; unrolled, there are more sums and operands than registers.
  private static final int SCALE = GemmKernel.scaleOfSteps(PAIRS);

  private static final int HIGH_HALF = 0xFFFF_0000;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final int STRIP = SkinnyGemm.STRIP;

  private SkinnyKernel() {}

  /** sums[0 … width) += x[0 … 8) · W[0 … 8, 0 … width). */
  static void addToOne(
      float[] x, int at, MemorySegment w, long start, long rowBytes, int width, float[] sums) {
    FloatVector x0 = FloatVector.broadcast(SPECIES, x[at]);
    FloatVector x1 = FloatVector.broadcast(SPECIES, x[at + 1]);
    FloatVector x2 = FloatVector.broadcast(SPECIES, x[at + 2]);
    FloatVector x3 = FloatVector.broadcast(SPECIES, x[at + 3]);
    FloatVector x4 = FloatVector.broadcast(SPECIES, x[at + 4]);
    FloatVector x5 = FloatVector.broadcast(SPECIES, x[at + 5]);
    FloatVector x6 = FloatVector.broadcast(SPECIES, x[at + 6]);
    FloatVector x7 = FloatVector.broadcast(SPECIES, x[at + 7]);
    int whole = SPECIES.loopBound(width);
    for (int j = 0; j < whole; j += Lanes.COUNT) {
      long from = start + (long) j * Float.BYTES;
      FloatVector sum = FloatVector.fromArray(SPECIES, sums, j);
      sum = x0.fma(FloatVector.fromMemorySegment(SPECIES, w, from, ORDER), sum);
      sum = x1.fma(FloatVector.fromMemorySegment(SPECIES, w, from + rowBytes, ORDER), sum);
      sum = x2.fma(FloatVector.fromMemorySegment(SPECIES, w, from + 2 * rowBytes, ORDER), sum);
      sum = x3.fma(FloatVector.fromMemorySegment(SPECIES, w, from + 3 * rowBytes, ORDER), sum);
      sum = x4.fma(FloatVector.fromMemorySegment(SPECIES, w, from + 4 * rowBytes, ORDER), sum);
      sum = x5.fma(FloatVector.fromMemorySegment(SPECIES, w, from + 5 * rowBytes, ORDER), sum);
      sum = x6.fma(FloatVector.fromMemorySegment(SPECIES, w, from + 6 * rowBytes, ORDER), sum);
      sum = x7.fma(FloatVector.fromMemorySegment(SPECIES, w, from + 7 * rowBytes, ORDER), sum);
      sum.intoArray(sums, j);
    }
    addTail(x, at, ONE_DEPTH, w, start, rowBytes, whole, width, sums, 0);
  }

  /**
   * sums[0 … 4, 0 … width) += X[0 … 4, 0 … 4) · W[0 … 4, 0 … width).
   *
   * @param xRow distance of X's rows; those of the sums are {@link SkinnyGemm#STRIP} apart
   */
  static void addToFour(
      float[] x,
      int at,
      int xRow,
      MemorySegment w,
      long start,
      long rowBytes,
      int width,
      float[] sums,
      int to) {
    FloatVector x00 = FloatVector.broadcast(SPECIES, x[at]);
    FloatVector x01 = FloatVector.broadcast(SPECIES, x[at + 1]);
    FloatVector x02 = FloatVector.broadcast(SPECIES, x[at + 2]);
    FloatVector x03 = FloatVector.broadcast(SPECIES, x[at + 3]);
    FloatVector x10 = FloatVector.broadcast(SPECIES, x[at + xRow]);
    FloatVector x11 = FloatVector.broadcast(SPECIES, x[at + xRow + 1]);
    FloatVector x12 = FloatVector.broadcast(SPECIES, x[at + xRow + 2]);
    FloatVector x13 = FloatVector.broadcast(SPECIES, x[at + xRow + 3]);
    FloatVector x20 = FloatVector.broadcast(SPECIES, x[at + 2 * xRow]);
    FloatVector x21 = FloatVector.broadcast(SPECIES, x[at + 2 * xRow + 1]);
    FloatVector x22 = FloatVector.broadcast(SPECIES, x[at + 2 * xRow + 2]);
    FloatVector x23 = FloatVector.broadcast(SPECIES, x[at + 2 * xRow + 3]);
    FloatVector x30 = FloatVector.broadcast(SPECIES, x[at + 3 * xRow]);
    FloatVector x31 = FloatVector.broadcast(SPECIES, x[at + 3 * xRow + 1]);
    FloatVector x32 = FloatVector.broadcast(SPECIES, x[at + 3 * xRow + 2]);
    FloatVector x33 = FloatVector.broadcast(SPECIES, x[at + 3 * xRow + 3]);
    int whole = SPECIES.loopBound(width);
    for (int j = 0; j < whole; j += Lanes.COUNT) {
      long from = start + (long) j * Float.BYTES;
      int first = to + j;
      FloatVector s0 = FloatVector.fromArray(SPECIES, sums, first);
      FloatVector s1 = FloatVector.fromArray(SPECIES, sums, first + STRIP);
      FloatVector s2 = FloatVector.fromArray(SPECIES, sums, first + 2 * STRIP);
      FloatVector s3 = FloatVector.fromArray(SPECIES, sums, first + 3 * STRIP);
      FloatVector row = FloatVector.fromMemorySegment(SPECIES, w, from, ORDER);
      s0 = x00.fma(row, s0);
      s1 = x10.fma(row, s1);
      s2 = x20.fma(row, s2);
      s3 = x30.fma(row, s3);
      row = FloatVector.fromMemorySegment(SPECIES, w, from + rowBytes, ORDER);
      s0 = x01.fma(row, s0);
      s1 = x11.fma(row, s1);
      s2 = x21.fma(row, s2);
      s3 = x31.fma(row, s3);
      row = FloatVector.fromMemorySegment(SPECIES, w, from + 2 * rowBytes, ORDER);
      s0 = x02.fma(row, s0);
      s1 = x12.fma(row, s1);
      s2 = x22.fma(row, s2);
      s3 = x32.fma(row, s3);
      row = FloatVector.fromMemorySegment(SPECIES, w, from + 3 * rowBytes, ORDER);
      s0 = x03.fma(row, s0);
      s1 = x13.fma(row, s1);
      s2 = x23.fma(row, s2);
      s3 = x33.fma(row, s3);
      s0.intoArray(sums, first);
      s1.intoArray(sums, first + STRIP);
      s2.intoArray(sums, first + 2 * STRIP);
      s3.intoArray(sums, first + 3 * STRIP);
    }
    for (int i = 0; i < ROWS; i++) {
      addTail(x, at + i * xRow, FOUR_DEPTH, w, start, rowBytes, whole, width, sums, to + i * STRIP);
    }
  }

  private static void addTail(
      float[] x,
      int at,
      int depth,
      MemorySegment w,
      long start,
      long rowBytes,
      int begin,
      int width,
      float[] sums,
      int to) {
    for (int j = begin; j < width; j++) {
      float sum = sums[to + j];
      for (int k = 0; k < depth; k++) {
        sum = Math.fma(x[at + k], w.get(FLOAT, start + k * rowBytes + (long) j * Float.BYTES), sum);
      }
      sums[to + j] = sum;
    }
  }

  /** sums[0 … width) += x · W[0, 0 … width). */
  static void addRow(float x, MemorySegment w, long start, int width, float[] sums, int to) {
    FloatVector xs = FloatVector.broadcast(SPECIES, x);
    int whole = SPECIES.loopBound(width);
    for (int j = 0; j < whole; j += Lanes.COUNT) {
      FloatVector row =
          FloatVector.fromMemorySegment(SPECIES, w, start + (long) j * Float.BYTES, ORDER);
      xs.fma(row, FloatVector.fromArray(SPECIES, sums, to + j)).intoArray(sums, to + j);
    }
    for (int j = whole; j < width; j++) {
      sums[to + j] = Math.fma(x, w.get(FLOAT, start + (long) j * Float.BYTES), sums[to + j]);
    }
  }

  /** One row of X times each of some columns of W, element by element: a vector a column. */
  static void multiplyShort(
      float[] x,
      int at,
      MemorySegment w,
      long start,
      long columnBytes,
      int columns,
      int depth,
      float[] lanes) {
    int whole = SPECIES.loopBound(depth);
    VectorMask<Float> rest = Lanes.mask(whole, depth);
    for (int j = 0; j < columns; j++) {
      long from = start + j * columnBytes;
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int k = 0; k < whole; k += Lanes.COUNT) {
        FloatVector column =
            FloatVector.fromMemorySegment(SPECIES, w, from + (long) k * Float.BYTES, ORDER);
        sum = FloatVector.fromArray(SPECIES, x, at + k).fma(column, sum);
      }
      if (whole < depth) {
        FloatVector column =
            FloatVector.fromMemorySegment(
                SPECIES, w, from + (long) whole * Float.BYTES, ORDER, rest);
        sum = FloatVector.fromArray(SPECIES, x, at + whole, rest).fma(column, sum);
      }
      sum.intoArray(lanes, j * Lanes.COUNT);
    }
  }

  /**
   * Dot products of one row of X with four columns of W.
   *
   * @param columns where they begin, in bytes
   * @param lanes begins with the four sums in the end
   */
  static void dotRow(float[] x, int at, MemorySegment w, long[] columns, int depth, float[] lanes) {
    long w0 = columns[0];
    long w1 = columns[1];
    long w2 = columns[2];
    long w3 = columns[3];
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = FloatVector.zero(SPECIES);
    FloatVector s2 = FloatVector.zero(SPECIES);
    FloatVector s3 = FloatVector.zero(SPECIES);
    int whole = SPECIES.loopBound(depth);
    for (int k = 0; k < whole; k += Lanes.COUNT) {
      long from = (long) k * Float.BYTES;
      FloatVector xs = FloatVector.fromArray(SPECIES, x, at + k);
      s0 = xs.fma(FloatVector.fromMemorySegment(SPECIES, w, w0 + from, ORDER), s0);
      s1 = xs.fma(FloatVector.fromMemorySegment(SPECIES, w, w1 + from, ORDER), s1);
      s2 = xs.fma(FloatVector.fromMemorySegment(SPECIES, w, w2 + from, ORDER), s2);
      s3 = xs.fma(FloatVector.fromMemorySegment(SPECIES, w, w3 + from, ORDER), s3);
    }
    s0.intoArray(lanes, 0);
    s1.intoArray(lanes, Lanes.COUNT);
    s2.intoArray(lanes, 2 * Lanes.COUNT);
    s3.intoArray(lanes, 3 * Lanes.COUNT);
    LaneSums.add(lanes, DOT_COLUMNS, lanes);
    for (int k = whole; k < depth; k++) {
      long from = (long) k * Float.BYTES;
      lanes[0] = Math.fma(x[at + k], w.get(FLOAT, w0 + from), lanes[0]);
      lanes[1] = Math.fma(x[at + k], w.get(FLOAT, w1 + from), lanes[1]);
      lanes[2] = Math.fma(x[at + k], w.get(FLOAT, w2 + from), lanes[2]);
      lanes[3] = Math.fma(x[at + k], w.get(FLOAT, w3 + from), lanes[3]);
    }
  }

  /**
   * {@link #dotRow} for a W of bfloat16: two numbers come in each 32-bit lane, and are f32 after a
   * shift or a mask.
   *
   * @param x in the order of {@link RowDots#split}
   */
  static void dotPairs(
      float[] x, int at, MemorySegment w, long[] columns, int depth, float[] lanes) {
    long w0 = columns[0];
    long w1 = columns[1];
    long w2 = columns[2];
    long w3 = columns[3];
    FloatVector even0 = FloatVector.zero(SPECIES);
    FloatVector even1 = FloatVector.zero(SPECIES);
    FloatVector even2 = FloatVector.zero(SPECIES);
    FloatVector even3 = FloatVector.zero(SPECIES);
    FloatVector odd0 = FloatVector.zero(SPECIES);
    FloatVector odd1 = FloatVector.zero(SPECIES);
    FloatVector odd2 = FloatVector.zero(SPECIES);
    FloatVector odd3 = FloatVector.zero(SPECIES);
    int whole = depth - depth % PAIRS;
    for (int i = 0; i < whole << SCALE; i += PAIRS << SCALE) {
      int k = i >> SCALE;
      long from = (long) k * Short.BYTES;
      FloatVector evens = FloatVector.fromArray(SPECIES, x, at + k);
      FloatVector odds = FloatVector.fromArray(SPECIES, x, at + k + Lanes.COUNT);
      IntVector pair = IntVector.fromMemorySegment(INTS, w, w0 + from, ORDER);
      even0 = evens.fma(pair.lanewise(LSHL, 16).reinterpretAsFloats(), even0);
      odd0 = odds.fma(pair.and(HIGH_HALF).reinterpretAsFloats(), odd0);
      pair = IntVector.fromMemorySegment(INTS, w, w1 + from, ORDER);
      even1 = evens.fma(pair.lanewise(LSHL, 16).reinterpretAsFloats(), even1);
      odd1 = odds.fma(pair.and(HIGH_HALF).reinterpretAsFloats(), odd1);
      pair = IntVector.fromMemorySegment(INTS, w, w2 + from, ORDER);
      even2 = evens.fma(pair.lanewise(LSHL, 16).reinterpretAsFloats(), even2);
      odd2 = odds.fma(pair.and(HIGH_HALF).reinterpretAsFloats(), odd2);
      pair = IntVector.fromMemorySegment(INTS, w, w3 + from, ORDER);
      even3 = evens.fma(pair.lanewise(LSHL, 16).reinterpretAsFloats(), even3);
      odd3 = odds.fma(pair.and(HIGH_HALF).reinterpretAsFloats(), odd3);
    }
    even0.add(odd0).intoArray(lanes, 0);
    even1.add(odd1).intoArray(lanes, Lanes.COUNT);
    even2.add(odd2).intoArray(lanes, 2 * Lanes.COUNT);
    even3.add(odd3).intoArray(lanes, 3 * Lanes.COUNT);
    LaneSums.add(lanes, DOT_COLUMNS, lanes);
    for (int k = whole; k < depth; k++) {
      long from = (long) k * Short.BYTES;
      lanes[0] = Math.fma(x[at + k], bfloat16(w, w0 + from), lanes[0]);
      lanes[1] = Math.fma(x[at + k], bfloat16(w, w1 + from), lanes[1]);
      lanes[2] = Math.fma(x[at + k], bfloat16(w, w2 + from), lanes[2]);
      lanes[3] = Math.fma(x[at + k], bfloat16(w, w3 + from), lanes[3]);
    }
  }

  private static float bfloat16(MemorySegment w, long at) {
    return Float.intBitsToFloat(w.get(SHORT, at) << 16);
  }
}
