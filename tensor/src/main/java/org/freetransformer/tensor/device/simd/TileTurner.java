package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.NE;
import static org.freetransformer.tensor.device.simd.GemmKernel.COLUMNS;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;

import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Transposes tiles of a product that lie one below the other in an array. As {@link
 * ArrayTransposer}, which reads from memory and writes panels: rows 1, then 2, 4 and 8 apart
 * exchange elements.
 */
final class TileTurner {
  private static final int HALF = Lanes.COUNT / 2;

  private static final VectorShuffle<Float> BY_ONE =
      VectorShuffle.fromOp(SPECIES, lane -> lane ^ 1);
  private static final VectorShuffle<Float> BY_TWO =
      VectorShuffle.fromOp(SPECIES, lane -> lane ^ 2);
  private static final VectorShuffle<Float> BY_FOUR =
      VectorShuffle.fromOp(SPECIES, lane -> lane ^ (4 % Lanes.COUNT));
  private static final VectorShuffle<Float> BY_HALF =
      VectorShuffle.fromOp(SPECIES, lane -> lane ^ HALF);

  // Compared before a loop, as ArrayTransposer's.
  private static final FloatVector ODD = lanes(1);
  private static final FloatVector ODD_PAIRS = lanes(2);
  private static final FloatVector ODD_FOURS = lanes(4);
  private static final FloatVector SECOND_HALF = lanes(HALF);

  /** Elements of scratch memory that {@link #turn} needs. */
  static final int SCRATCH_ELEMENTS = Lanes.COUNT * COLUMNS;

  private TileTurner() {}

  private static FloatVector lanes(int bit) {
    float[] values = new float[Lanes.COUNT];
    IntStream.range(0, Lanes.COUNT).forEach(lane -> values[lane] = lane & bit);
    return FloatVector.fromArray(SPECIES, values, 0);
  }

  /**
   * to[toStart + j · toRow + i] = from[start + i · COLUMNS + j].
   *
   * @param rows how many; up to the next multiple of Lanes.COUNT are read, and rows of {@code to}
   *     written
   * @param scratch {@link #SCRATCH_ELEMENTS} long or more, overwritten
   */
  static void turn(
      float[] from, int start, int rows, float[] to, int toStart, int toRow, float[] scratch) {
    for (int i = 0; i < rows; i += Lanes.COUNT) {
      if (Lanes.COUNT == 4) {
        exchangeFour(from, start + i * COLUMNS, to, toStart + i, toRow);
        continue;
      }
      for (int row = 0; row < Lanes.COUNT; row += 4) {
        exchangeFour(from, start + (i + row) * COLUMNS, scratch, row * COLUMNS, Lanes.COUNT);
      }
      if (Lanes.COUNT == 8) {
        exchangeHalves(scratch, to, toStart + i, toRow);
      } else {
        exchangeFours(scratch, to, toStart + i, toRow);
      }
    }
  }

  /** Two rounds on four rows; of each vector's width of columns the first four rows result. */
  private static void exchangeFour(float[] from, int start, float[] to, int toStart, int toRow) {
    VectorMask<Float> odd = ODD.compare(NE, 0);
    VectorMask<Float> oddPairs = ODD_PAIRS.compare(NE, 0);
    for (int j = 0; j < COLUMNS; j += Lanes.COUNT) {
      int at = start + j;
      FloatVector x = FloatVector.fromArray(SPECIES, from, at);
      FloatVector y = FloatVector.fromArray(SPECIES, from, at + COLUMNS);
      FloatVector even0 = x.blend(y.rearrange(BY_ONE), odd);
      FloatVector odd0 = x.rearrange(BY_ONE).blend(y, odd);
      x = FloatVector.fromArray(SPECIES, from, at + 2 * COLUMNS);
      y = FloatVector.fromArray(SPECIES, from, at + 3 * COLUMNS);
      FloatVector even1 = x.blend(y.rearrange(BY_ONE), odd);
      FloatVector odd1 = x.rearrange(BY_ONE).blend(y, odd);
      int row = toStart + j / Lanes.COUNT * 4 * toRow;
      even0.blend(even1.rearrange(BY_TWO), oddPairs).intoArray(to, row);
      odd0.blend(odd1.rearrange(BY_TWO), oddPairs).intoArray(to, row + toRow);
      even0.rearrange(BY_TWO).blend(even1, oddPairs).intoArray(to, row + 2 * toRow);
      odd0.rearrange(BY_TWO).blend(odd1, oddPairs).intoArray(to, row + 3 * toRow);
    }
  }

  /** The last two rounds with 16 lanes, on rows 4 and 8 apart. */
  static void exchangeFours(float[] from, float[] to, int toStart, int toRow) {
    VectorMask<Float> oddFours = ODD_FOURS.compare(NE, 0);
    VectorMask<Float> second = SECOND_HALF.compare(NE, 0);
    for (int j = 0; j < COLUMNS / 4; j++) {
      int at = j * Lanes.COUNT;
      FloatVector x = FloatVector.fromArray(SPECIES, from, at);
      FloatVector y = FloatVector.fromArray(SPECIES, from, at + 4 * COLUMNS);
      FloatVector even0 = x.blend(y.rearrange(BY_FOUR), oddFours);
      FloatVector odd0 = x.rearrange(BY_FOUR).blend(y, oddFours);
      x = FloatVector.fromArray(SPECIES, from, at + 8 * COLUMNS);
      y = FloatVector.fromArray(SPECIES, from, at + 12 * COLUMNS);
      FloatVector even1 = x.blend(y.rearrange(BY_FOUR), oddFours);
      FloatVector odd1 = x.rearrange(BY_FOUR).blend(y, oddFours);
      int row = toStart + (j / 4 * Lanes.COUNT + j % 4) * toRow;
      even0.blend(even1.rearrange(BY_HALF), second).intoArray(to, row);
      odd0.blend(odd1.rearrange(BY_HALF), second).intoArray(to, row + 4 * toRow);
      even0.rearrange(BY_HALF).blend(even1, second).intoArray(to, row + 8 * toRow);
      odd0.rearrange(BY_HALF).blend(odd1, second).intoArray(to, row + 12 * toRow);
    }
  }

  /** The last round with 8 lanes, on rows 4 apart. */
  static void exchangeHalves(float[] from, float[] to, int toStart, int toRow) {
    VectorMask<Float> second = SECOND_HALF.compare(NE, 0);
    for (int j = 0; j < COLUMNS / 2; j++) {
      FloatVector x = FloatVector.fromArray(SPECIES, from, j * Lanes.COUNT);
      FloatVector y = FloatVector.fromArray(SPECIES, from, HALF * COLUMNS + j * Lanes.COUNT);
      int row = toStart + (j / HALF * Lanes.COUNT + j % HALF) * toRow;
      x.blend(y.rearrange(BY_HALF), second).intoArray(to, row);
      x.rearrange(BY_HALF).blend(y, second).intoArray(to, row + HALF * toRow);
    }
  }
}
