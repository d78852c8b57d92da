package org.freetransformer.data;

import org.freetransformer.tensor.ops.CrossEntropyOp;

/**
 * Examples side by side, in plain arrays.
 *
 * @param tokens inputs [B,T], row by row
 * @param targets the token that follows each input [B,T], or {@link #IGNORE} where none counts
 * @param size number of examples B
 * @param length tokens in each example T
 */
@SuppressWarnings("ArrayRecordComponent") // Copied straight to a device; equality means nothing.
public record Batch(int[] tokens, int[] targets, int size, int length) {

  /** The target that counts nowhere. */
  public static final int IGNORE = CrossEntropyOp.IGNORE_INDEX;

  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if an array does not hold B · T numbers
   */
  public Batch {
    long count = (long) size * length;
    if (tokens.length != count || targets.length != count) {
      throw new IllegalArgumentException(
          "a batch of [%d,%d] needs %d tokens and targets, not %d and %d"
              .formatted(size, length, count, tokens.length, targets.length));
    }
  }

  /** Number of targets that count. */
  public int countedTargets() {
    int counted = 0;
    for (int target : targets) {
      counted += target == IGNORE ? 0 : 1;
    }
    return counted;
  }
}
