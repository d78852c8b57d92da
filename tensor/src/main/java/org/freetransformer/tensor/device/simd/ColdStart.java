package org.freetransformer.tensor.device.simd;

/**
 * Tells when plain loops are better than vector loops to the same bits. Until the optimizing
 * compiler has come to a vector loop, each vector in it is an object on the heap, and a model's
 * first token would wait for tens of millions of these; plain loops over arrays are fast from the
 * first compilation on. The first calls are all plain, for a program that ends soon. After that
 * vector loops get one in some calls, or they would stay cold.
 */
final class ColdStart {
  // The compiler takes a method up after some 40,000 rounds of its loops or 5,000 calls, and is
  // then at work for a while.
  private static final int WARM_ROUNDS = 1 << 16;
  private static final int ROUNDS_OF_A_CALL = 13;

  private final int plainCalls;
  private final int interval;
  private int rounds;
  private int calls;

  /**
   * Nothing is warm yet.
   *
   * @param plainCalls how many calls are plain at first
   * @param interval of so many calls after that, one is not
   */
  ColdStart(int plainCalls, int interval) {
    this.plainCalls = plainCalls;
    this.interval = interval;
  }

  /**
   * Whether the next call had better be a plain one. Threads may overwrite each other's counts,
   * which changes when a loop is warm and nothing else.
   *
   * @param loops rounds of the vector loop in that call
   */
  boolean wantsPlain(int loops) {
    if (rounds >= WARM_ROUNDS) {
      return false;
    }
    int call = calls;
    calls = call + 1;
    if (call >= plainCalls && call % interval == 0) {
      rounds += ROUNDS_OF_A_CALL + loops;
      return false;
    }
    return true;
  }

  /** Whether the calls that come now are all plain, so that nothing need be ready for others. */
  boolean allPlain() {
    return calls < plainCalls;
  }
}
