package org.freetransformer.tensor;

/**
 * Random words on the host for what is numbered, such as the examples of a dataset or the samples
 * of a request: a pure function of (seed, purpose, example).
 */
public final class ExampleRandom {

  /** Words in a block. */
  public static final int BLOCK = 4;

  private static final int DATA = 0x64617461;

  private final int keyLow;
  private final int keyHigh;

  /**
   * Draws for one purpose, independent of all others of the same seed, the model's among them: the
   * key is itself drawn, so that its counters may start at 0.
   */
  public ExampleRandom(long seed, String purpose) {
    int[] key = new int[BLOCK];
    Philox.block((int) seed, (int) (seed >>> 32), purpose.hashCode(), DATA, -1, -1, key);
    keyLow = key[0];
    keyHigh = key[1];
  }

  /** Block {@code block} of four words of an example. */
  public void block(long example, int block, int[] words) {
    Philox.block(keyLow, keyHigh, block, 0, (int) example, (int) (example >>> 32), words);
  }

  /** A number from 0 to {@code bound} − 1 out of 64 random bits; the bias is below bound / 2^64. */
  public static long below(long bound, int high, int low) {
    long bits = (long) high << 32 | (low & 0xFFFFFFFFL);
    return Math.unsignedMultiplyHigh(bits, bound);
  }
}
