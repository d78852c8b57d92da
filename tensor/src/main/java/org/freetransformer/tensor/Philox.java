package org.freetransformer.tensor;

/**
 * Philox4x32-10, a counter-based random generator: four random words are a pure function of a
 * 64-bit key and a 128-bit counter, so that any element of a random tensor can be drawn on its own,
 * in any order, by any thread.
 *
 * <p>Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
 */
public final class Philox {
  /** Rounds of a block. */
  public static final int ROUNDS = 10;

  /** What the key's low half grows by from round to round. */
  public static final int KEY_STEP_0 = 0x9E3779B9;

  /** What its high half grows by. */
  public static final int KEY_STEP_1 = 0xBB67AE85;

  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final long LOW_32 = 0xFFFFFFFFL;

  private Philox() {}

  /**
   * One block of four random words.
   *
   * @param keyLow low half of the key
   * @param keyHigh high half of the key
   * @param c0 first word of the counter
   * @param c1 second word of the counter
   * @param c2 third word of the counter
   * @param c3 fourth word of the counter
   * @param out takes the four words
   */
  public static void block(int keyLow, int keyHigh, int c0, int c1, int c2, int c3, int[] out) {
    int key0 = keyLow;
    int key1 = keyHigh;
    int x0 = c0;
    int x1 = c1;
    int x2 = c2;
    int x3 = c3;
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * (x0 & LOW_32);
      long product1 = MULTIPLIER_1 * (x2 & LOW_32);
      x0 = (int) (product1 >>> 32) ^ x1 ^ key0;
      x1 = (int) product1;
      x2 = (int) (product0 >>> 32) ^ x3 ^ key1;
      x3 = (int) product0;
      key0 += KEY_STEP_0;
      key1 += KEY_STEP_1;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
  }
}
