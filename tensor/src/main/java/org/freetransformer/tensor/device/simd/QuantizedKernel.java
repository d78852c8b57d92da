package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost loops of {@link QuantizedLinear}. Four weights come in each 32-bit lane; shifts
 * that carry the sign bring each of them down, so that any vector width will do. The left side is
 * put in the same order beforehand: see {@link #split}.
 */
final class QuantizedKernel {
  private static final VectorSpecies<Float> SPECIES = GemmKernel.SPECIES;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final int LANES = GemmKernel.LANES;
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  /** Numbers of 8 bits that fill a vector. */
  static final int QUADS = 4 * LANES;

  private QuantizedKernel() {}

  /**
   * Brings a row of f32 into the order that the other methods read: in every block of {@link
   * #QUADS}, first all elements whose number is 0 mod 4, then those with 1, and so on. What is left
   * over stays as it is.
   */
  static void split(float[] x, int at, int depth, float[] scratch) {
    for (int k = 0; k + QUADS <= depth; k += QUADS) {
      System.arraycopy(x, at + k, scratch, 0, QUADS);
      for (int i = 0; i < QUADS; i++) {
        x[at + k + i % 4 * LANES + i / 4] = scratch[i];
      }
    }
  }

  /**
   * lanes[to … to + LANES) = parts of the dot product of a split row with one row of the weight,
   * which their sum is.
   */
  static void dot(float[] x, int at, MemorySegment w, long row, int depth, float[] lanes, int to) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = FloatVector.zero(SPECIES);
    FloatVector s2 = FloatVector.zero(SPECIES);
    FloatVector s3 = FloatVector.zero(SPECIES);
    int whole = depth - depth % QUADS;
    for (int k = 0; k < whole; k += QUADS) {
      IntVector quad = IntVector.fromMemorySegment(INTS, w, row + k, ORDER);
      FloatVector xs = FloatVector.fromArray(SPECIES, x, at + k);
      s0 = xs.fma(floats(quad.lanewise(LSHL, 24).lanewise(ASHR, 24)), s0);
      xs = FloatVector.fromArray(SPECIES, x, at + k + LANES);
      s1 = xs.fma(floats(quad.lanewise(LSHL, 16).lanewise(ASHR, 24)), s1);
      xs = FloatVector.fromArray(SPECIES, x, at + k + 2 * LANES);
      s2 = xs.fma(floats(quad.lanewise(LSHL, 8).lanewise(ASHR, 24)), s2);
      xs = FloatVector.fromArray(SPECIES, x, at + k + 3 * LANES);
      s3 = xs.fma(floats(quad.lanewise(ASHR, 24)), s3);
    }
    s0.add(s1).add(s2.add(s3)).intoArray(lanes, to);
    for (int k = whole; k < depth; k++) {
      lanes[to] = Math.fma(x[at + k], w.get(ValueLayout.JAVA_BYTE, row + k), lanes[to]);
    }
  }

  private static FloatVector floats(IntVector numbers) {
    return numbers.convert(I2F, 0).reinterpretAsFloats();
  }
}
