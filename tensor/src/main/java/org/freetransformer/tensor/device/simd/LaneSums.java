package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Transposer.HIGH;
import static org.freetransformer.tensor.device.simd.Transposer.LOW;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Adds up the lanes of several vectors at once, in a fixed order ({@code reduceLanes} promises
 * none): adding the interleaved halves of vectors i and i + n/2 halves their number, and lanes end
 * up in the order of the vectors they came from.
 */
final class LaneSums {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private LaneSums() {}

  /**
   * sums[i] = the sum of vector i.
   *
   * @param vectors one after the other, overwritten
   * @param count how many, a power of 2
   */
  static void add(float[] vectors, int count, float[] sums) {
    int group = Math.min(count, LANES);
    for (int i = 0; i < count; i += group) {
      fold(vectors, i * LANES, group);
      for (int j = 0; j < group; j++) {
        float sum = 0;
        for (int lane = j; lane < LANES; lane += group) {
          sum += vectors[i * LANES + lane];
        }
        sums[i + j] = sum;
      }
    }
  }

  private static void fold(float[] vectors, int start, int count) {
    for (int half = count / 2; half >= 1; half /= 2) {
      for (int i = start; i < start + half * LANES; i += LANES) {
        IntVector x = FloatVector.fromArray(SPECIES, vectors, i).reinterpretAsInts();
        IntVector y = FloatVector.fromArray(SPECIES, vectors, i + half * LANES).reinterpretAsInts();
        FloatVector low = LOW.selectFrom(x, y).reinterpretAsFloats();
        low.add(HIGH.selectFrom(x, y).reinterpretAsFloats()).intoArray(vectors, i);
      }
    }
  }
}
