package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;
import org.freetransformer.tensor.Philox;

/**
 * {@link Philox} on vectors: a block a lane, each of its words in the low half of a 64-bit lane,
 * where the product of two words fits. The high halves hold what earlier products left there; a
 * multiplication looks at low halves only.
 */
final class VectorPhilox {
  private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_PREFERRED;

  /** Blocks that are drawn at once: arrays of words have room for whole multiples of it. */
  static final int LANES = SPECIES.length();

  private static final int WORDS = 4;
  private static final LongVector LOW_HALF = LongVector.broadcast(SPECIES, 0xFFFF_FFFFL);
  private static final LongVector MULTIPLIER_0 = LongVector.broadcast(SPECIES, 0xD2511F53L);
  private static final LongVector MULTIPLIER_1 = LongVector.broadcast(SPECIES, 0xCD9E8D57L);
  private static final LongVector COUNT = LongVector.zero(SPECIES).addIndex(1);
  private static final LongVector FIRST_HALVES = interleaving(0);
  private static final LongVector SECOND_HALVES = interleaving(LANES / 2);

  private VectorPhilox() {}

  private static LongVector interleaving(int first) {
    long[] lanes = new long[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = first + i / 2 + (long) (i % 2) * LANES;
    }
    return LongVector.fromArray(SPECIES, lanes, 0);
  }

  /** Writes {@code count} blocks of four words, and up to {@link #LANES} − 1 more. */
  static void blocks(
      int keyLow, int keyHigh, int c0, int c1, int c2, int c3, int count, int[] words) {
    for (int block = 0; block < count; block += LANES) {
      draw(keyLow, keyHigh, c0 + block, c1, c2, c3, words, block * WORDS);
    }
  }

  private static void draw(
      int keyLow, int keyHigh, int c0, int c1, int c2, int c3, int[] words, int to) {
    LongVector x0 = COUNT.add(c0);
    LongVector x1 = LongVector.broadcast(SPECIES, c1);
    LongVector x2 = LongVector.broadcast(SPECIES, c2);
    LongVector x3 = LongVector.broadcast(SPECIES, c3);
    int key0 = keyLow;
    int key1 = keyHigh;
    for (int round = 0; round < Philox.ROUNDS; round++) {
      LongVector product0 = x0.and(LOW_HALF).mul(MULTIPLIER_0);
      LongVector product1 = x2.and(LOW_HALF).mul(MULTIPLIER_1);
      x0 = product1.lanewise(LSHR, 32).lanewise(XOR, x1).lanewise(XOR, key0);
      x1 = product1;
      x2 = product0.lanewise(LSHR, 32).lanewise(XOR, x3).lanewise(XOR, key1);
      x3 = product0;
      key0 += Philox.KEY_STEP_0;
      key1 += Philox.KEY_STEP_1;
    }
    LongVector first = x0.and(LOW_HALF).or(x1.lanewise(LSHL, 32));
    LongVector second = x2.and(LOW_HALF).or(x3.lanewise(LSHL, 32));
    FIRST_HALVES.selectFrom(first, second).reinterpretAsInts().intoArray(words, to);
    SECOND_HALVES
        .selectFrom(first, second)
        .reinterpretAsInts()
        .intoArray(words, to + LANES * WORDS / 2);
  }
}
