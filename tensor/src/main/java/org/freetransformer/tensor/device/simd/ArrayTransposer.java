package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.NE;
import static org.freetransformer.tensor.device.simd.GemmKernel.COLUMNS;
import static org.freetransformer.tensor.device.simd.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transposes strips of a matrix into an array, with vectors of 4 or 8 elements and few registers:
 * rows that lie 1, then 2, then 4 apart exchange the elements that are in each other's place.
 *
 * <p>{@link Transposer} picks from two vectors at once, one instruction with 512-bit vectors and
 * several with 256, and its stores each ask anew whether the segment is open. Here the first
 * exchange is a shift, and the way from pass to pass and to the target is an array.
 *
 * <p>Both passes are too long for C2 to inline them into their callers: two in one method are more
 * than it has patience for, and vectors become objects.
 */
final class ArrayTransposer {
  private static final VectorSpecies<Integer> SPECIES = IntVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  // Distance of the first pass's results: in scratch memory for 8 lanes, in the target for 4.
  private static final int ROW = 8;

  private static final int HALF = LANES / 2;
  private static final VectorShuffle<Integer> BY_TWO =
      VectorShuffle.fromOp(SPECIES, lane -> lane ^ 2);
  private static final VectorShuffle<Integer> BY_HALF =
      VectorShuffle.fromOp(SPECIES, lane -> lane ^ HALF);

  // As masks, these would be widened from booleans at every use: a comparison before the loop keeps
  // them in registers.
  private static final IntVector ODD = lanes(lane -> lane & 1);
  private static final IntVector ODD_PAIRS = lanes(lane -> lane & 2);
  private static final IntVector SECOND_HALF = lanes(lane -> lane & HALF);

  /** Elements of scratch memory that {@link #transpose} needs. */
  static final int SCRATCH_ELEMENTS = LANES * GemmKernel.MAX_DEPTH;

  private ArrayTransposer() {}

  private static IntVector lanes(IntUnaryOperator value) {
    return IntVector.fromArray(SPECIES, IntStream.range(0, LANES).map(value).toArray(), 0);
  }

  /**
   * target[to + k · COLUMNS + i] = element k of row i, for a vector's width of rows.
   *
   * @param rows number of rows to read, 1 … LANES; the last one stands in for those missing
   * @param rowStride in bytes
   * @param depth elements of a row, LANES to {@link GemmKernel#MAX_DEPTH}
   * @param scratch {@link #SCRATCH_ELEMENTS} long or more, overwritten
   */
  static void transpose(
      MemorySegment source,
      long start,
      long rowStride,
      int rows,
      int depth,
      float[] target,
      int to,
      float[] scratch) {
    int whole = SPECIES.loopBound(depth);
    transposeWhole(source, start, rowStride, rows - 1, whole, target, to, scratch);
    if (whole < depth) {
      int k = depth - LANES;
      long from = start + (long) k * Float.BYTES;
      transposeWhole(source, from, rowStride, rows - 1, LANES, target, to + k * COLUMNS, scratch);
    }
  }

  private static void transposeWhole(
      MemorySegment source,
      long start,
      long rowStride,
      int last,
      int steps,
      float[] target,
      int to,
      float[] scratch) {
    for (int i = 0; i < LANES; i += 4) {
      exchangeFour(
          source,
          start + Math.min(i, last) * rowStride,
          start + Math.min(i + 1, last) * rowStride,
          start + Math.min(i + 2, last) * rowStride,
          start + Math.min(i + 3, last) * rowStride,
          steps,
          LANES == 4 ? target : scratch,
          LANES == 4 ? to : i * LANES);
    }
    if (LANES > 4) {
      exchangeHalves(scratch, steps, target, to);
    }
  }

  /** Two rounds on four rows. */
  private static void exchangeFour(
      MemorySegment source,
      long row0,
      long row1,
      long row2,
      long row3,
      int steps,
      float[] to,
      int at) {
    VectorMask<Integer> odd = ODD.compare(NE, 0);
    VectorMask<Integer> oddPairs = ODD_PAIRS.compare(NE, 0);
    for (int k = 0; k < steps; k += LANES) {
      long from = (long) k * Float.BYTES;
      int block = at + k * ROW;
      IntVector x = IntVector.fromMemorySegment(SPECIES, source, row0 + from, ORDER);
      IntVector y = IntVector.fromMemorySegment(SPECIES, source, row1 + from, ORDER);
      IntVector even0 = x.blend(up(y), odd);
      IntVector odd0 = down(x).blend(y, odd);
      x = IntVector.fromMemorySegment(SPECIES, source, row2 + from, ORDER);
      y = IntVector.fromMemorySegment(SPECIES, source, row3 + from, ORDER);
      IntVector even1 = x.blend(up(y), odd);
      IntVector odd1 = down(x).blend(y, odd);
      put(even0.blend(even1.rearrange(BY_TWO), oddPairs), to, block);
      put(odd0.blend(odd1.rearrange(BY_TWO), oddPairs), to, block + ROW);
      put(even0.rearrange(BY_TWO).blend(even1, oddPairs), to, block + 2 * ROW);
      put(odd0.rearrange(BY_TWO).blend(odd1, oddPairs), to, block + 3 * ROW);
    }
  }

  /** The last round, on rows 4 apart. */
  private static void exchangeHalves(float[] blocks, int steps, float[] target, int to) {
    VectorMask<Integer> second = SECOND_HALF.compare(NE, 0);
    for (int k = 0; k < steps; k += LANES) {
      int block = k * ROW;
      int row = to + k * COLUMNS;
      IntVector x = get(blocks, block);
      IntVector y = get(blocks, block + 4 * ROW);
      put(x.blend(y.rearrange(BY_HALF), second), target, row);
      put(x.rearrange(BY_HALF).blend(y, second), target, row + 4 * COLUMNS);
      x = get(blocks, block + ROW);
      y = get(blocks, block + 5 * ROW);
      put(x.blend(y.rearrange(BY_HALF), second), target, row + COLUMNS);
      put(x.rearrange(BY_HALF).blend(y, second), target, row + 5 * COLUMNS);
      x = get(blocks, block + 2 * ROW);
      y = get(blocks, block + 6 * ROW);
      put(x.blend(y.rearrange(BY_HALF), second), target, row + 2 * COLUMNS);
      put(x.rearrange(BY_HALF).blend(y, second), target, row + 6 * COLUMNS);
      x = get(blocks, block + 3 * ROW);
      y = get(blocks, block + 7 * ROW);
      put(x.blend(y.rearrange(BY_HALF), second), target, row + 3 * COLUMNS);
      put(x.rearrange(BY_HALF).blend(y, second), target, row + 7 * COLUMNS);
    }
  }

  /** Elements with even numbers to the places after them. */
  private static IntVector up(IntVector x) {
    return x.reinterpretAsLongs().lanewise(LSHL, Integer.SIZE).reinterpretAsInts();
  }

  /** Elements with odd numbers to the places before them. */
  private static IntVector down(IntVector x) {
    return x.reinterpretAsLongs().lanewise(LSHR, Integer.SIZE).reinterpretAsInts();
  }

  private static IntVector get(float[] from, int at) {
    return FloatVector.fromArray(Lanes.SPECIES, from, at).reinterpretAsInts();
  }

  private static void put(IntVector x, float[] to, int at) {
    x.reinterpretAsFloats().intoArray(to, at);
  }
}
