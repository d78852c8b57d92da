package org.freetransformer.data;

import org.freetransformer.tensor.ExampleRandom;

/**
 * A random order of the numbers 0 to n − 1, of which any place can be asked without making the
 * rest: a Feistel network over the next power of four, walked on until it lands below n.
 *
 * <p>Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains" (CT-RSA 2002), cycle
 * walking over a generalised Feistel network.
 */
final class Shuffle {

  private static final int ROUNDS = 6;

  private final long size;
  private final int halfBits;
  private final long halfMask;
  private final ExampleRandom random;

  /** The order that {@code seed} and {@code epoch} decide. */
  Shuffle(long size, long seed, long epoch) {
    this.size = size;
    int bits = Math.max(2, Long.SIZE - Long.numberOfLeadingZeros(size - 1));
    halfBits = (bits + 1) / 2;
    halfMask = (1L << halfBits) - 1;
    random = new ExampleRandom(seed, "shuffle " + epoch);
  }

  /** The number at {@code place}; over all places 0 to n − 1, every number comes once. */
  long at(long place) {
    long number = place;
    do {
      number = permute(number);
    } while (number >= size);
    return number;
  }

  private long permute(long number) {
    int[] words = new int[ExampleRandom.BLOCK];
    long left = number >>> halfBits;
    long right = number & halfMask;
    for (int round = 0; round < ROUNDS; round++) {
      random.block(right, round, words);
      long mixed = left ^ (words[0] & halfMask);
      left = right;
      right = mixed;
    }
    return left << halfBits | right;
  }
}
