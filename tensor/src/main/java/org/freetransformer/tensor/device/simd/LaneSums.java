package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;
import static org.freetransformer.tensor.device.simd.Transposer.HIGH;
import static org.freetransformer.tensor.device.simd.Transposer.LOW;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Adds up the lanes of several vectors at once, in a fixed order ({@code reduceLanes} promises
 * none): adding the interleaved halves of vectors i and i + n/2 halves their number, and lanes end
 * up in the order of the vectors they came from.
 */
final class LaneSums {
  private LaneSums() {}

  /**
   * sums[i] = the sum of vector i.
   *
   * @param vectors one after the other, overwritten
   * @param count how many: 4, 8 or 16
   * @param sums may be {@code vectors}
   */
  static void add(float[] vectors, int count, float[] sums) {
    int group = Math.min(count, Lanes.COUNT);
    for (int i = 0; i < count; i += group) {
      fold(vectors, i * Lanes.COUNT, group);
      if (group == Lanes.COUNT) {
        System.arraycopy(vectors, i * Lanes.COUNT, sums, i, group);
        continue;
      }
      for (int j = 0; j < group; j++) {
        float sum = vectors[i * Lanes.COUNT + j];
        for (int lane = j + group; lane < Lanes.COUNT; lane += group) {
          sum += vectors[i * Lanes.COUNT + lane];
        }
        sums[i + j] = sum;
      }
    }
  }

  /** Two rounds at a time, and a single one first where their number is odd. */
  private static void fold(float[] vectors, int start, int count) {
    int left = count;
    if (left == 8) {
      for (int i = 0; i < 4; i++) {
        halve(vectors, start + i * Lanes.COUNT, 4 * Lanes.COUNT);
      }
      left = 4;
    }
    for (; left >= 4; left /= 4) {
      for (int i = 0; i < left / 4; i++) {
        quarter(vectors, start + i * Lanes.COUNT, left / 4 * Lanes.COUNT);
      }
    }
  }

  /** The vector at a place takes half of its lanes' sums, and half of those of another. */
  private static void halve(float[] v, int at, int distance) {
    IntVector x = FloatVector.fromArray(SPECIES, v, at).reinterpretAsInts();
    IntVector y = FloatVector.fromArray(SPECIES, v, at + distance).reinterpretAsInts();
    FloatVector low = LOW.selectFrom(x, y).reinterpretAsFloats();
    low.add(HIGH.selectFrom(x, y).reinterpretAsFloats()).intoArray(v, at);
  }

  /** The same twice, for four vectors. */
  private static void quarter(float[] v, int at, int distance) {
    IntVector x0 = FloatVector.fromArray(SPECIES, v, at).reinterpretAsInts();
    IntVector x1 = FloatVector.fromArray(SPECIES, v, at + distance).reinterpretAsInts();
    IntVector x2 = FloatVector.fromArray(SPECIES, v, at + 2 * distance).reinterpretAsInts();
    IntVector x3 = FloatVector.fromArray(SPECIES, v, at + 3 * distance).reinterpretAsInts();
    FloatVector low = LOW.selectFrom(x0, x2).reinterpretAsFloats();
    FloatVector even = low.add(HIGH.selectFrom(x0, x2).reinterpretAsFloats());
    low = LOW.selectFrom(x1, x3).reinterpretAsFloats();
    FloatVector odd = low.add(HIGH.selectFrom(x1, x3).reinterpretAsFloats());
    IntVector x = even.reinterpretAsInts();
    IntVector y = odd.reinterpretAsInts();
    low = LOW.selectFrom(x, y).reinterpretAsFloats();
    low.add(HIGH.selectFrom(x, y).reinterpretAsFloats()).intoArray(v, at);
  }
}
