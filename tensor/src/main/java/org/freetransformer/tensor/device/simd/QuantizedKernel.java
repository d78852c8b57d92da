package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost loops of {@link QuantizedLinear}. Four weights come in each 32-bit lane. Each of
 * them is brought to the top of its lane, which is then 2²⁴ times the weight: masks, which all
 * units take, instead of shifts back. The left side is put in the same order, and divided by 2²⁴,
 * beforehand: see {@link RowDots#split}.
 */
final class QuantizedKernel {
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  /** Numbers of 8 bits that fill a vector. */
  static final int QUADS = 4 * Lanes.COUNT;

  /**
   * What the loop multiplies with is so many times the weight: a power of 2, which loses no bits.
   */
  static final float SCALE_OF_WEIGHTS = 1 << 24;

  // A mask for the highest byte of each lane: a constant C2 would broadcast anew at each use.
  private static final int[] TOP_BYTES = new int[Lanes.COUNT];

  // C2 unrolls no loop in such steps; unrolled, there are more sums and operands than registers.
  private static final int SCALE = GemmKernel.scaleOfSteps(QUADS);

  static {
    Arrays.fill(TOP_BYTES, 0xFF00_0000);
  }

  private QuantizedKernel() {}

  /**
   * lanes[first … first + Lanes.COUNT), lanes[second …) = parts of the dot products of a split row
   * with two rows of the weight, which their sums are.
   */
  static void dotTwo(
      float[] x,
      MemorySegment w,
      long row0,
      long row1,
      int depth,
      float[] lanes,
      int first,
      int second) {
    FloatVector s00 = FloatVector.zero(SPECIES);
    FloatVector s01 = FloatVector.zero(SPECIES);
    FloatVector s10 = FloatVector.zero(SPECIES);
    FloatVector s11 = FloatVector.zero(SPECIES);
    IntVector top = IntVector.fromArray(INTS, TOP_BYTES, 0);
    int whole = depth - depth % QUADS;
    for (int i = 0; i < whole << SCALE; i += QUADS << SCALE) {
      int k = i >> SCALE;
      IntVector quad0 = IntVector.fromMemorySegment(INTS, w, row0 + k, ORDER);
      IntVector quad1 = IntVector.fromMemorySegment(INTS, w, row1 + k, ORDER);
      FloatVector xs = FloatVector.fromArray(SPECIES, x, k);
      s00 = xs.fma(floats(quad0.lanewise(LSHL, 24)), s00);
      s10 = xs.fma(floats(quad1.lanewise(LSHL, 24)), s10);
      xs = FloatVector.fromArray(SPECIES, x, k + Lanes.COUNT);
      s01 = xs.fma(floats(quad0.lanewise(LSHL, 16).and(top)), s01);
      s11 = xs.fma(floats(quad1.lanewise(LSHL, 16).and(top)), s11);
      xs = FloatVector.fromArray(SPECIES, x, k + 2 * Lanes.COUNT);
      s00 = xs.fma(floats(quad0.lanewise(LSHL, 8).and(top)), s00);
      s10 = xs.fma(floats(quad1.lanewise(LSHL, 8).and(top)), s10);
      xs = FloatVector.fromArray(SPECIES, x, k + 3 * Lanes.COUNT);
      s01 = xs.fma(floats(quad0.and(top)), s01);
      s11 = xs.fma(floats(quad1.and(top)), s11);
    }
    s00.add(s01).intoArray(lanes, first);
    s10.add(s11).intoArray(lanes, second);
    for (int k = whole; k < depth; k++) {
      lanes[first] = Math.fma(x[k], w.get(ValueLayout.JAVA_BYTE, row0 + k), lanes[first]);
      lanes[second] = Math.fma(x[k], w.get(ValueLayout.JAVA_BYTE, row1 + k), lanes[second]);
    }
  }

  private static FloatVector floats(IntVector numbers) {
    return (FloatVector) numbers.convertShape(I2F, SPECIES, 0);
  }
}
