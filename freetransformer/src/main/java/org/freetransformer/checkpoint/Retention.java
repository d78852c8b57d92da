package org.freetransformer.checkpoint;

/**
 * Which checkpoints of a run are kept.
 *
 * @param last the newest ones, at least 1
 * @param best those with the lowest held-out bound, whatever their age; 0 keeps none for that
 */
public record Retention(int last, int best) {
  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if none would be kept
   */
  public Retention {
    if (last < 1 || best < 0) {
      throw new IllegalArgumentException(
          "keeping the last %d and the best %d: allowed are 1 or more, and 0 or more"
              .formatted(last, best));
    }
  }
}
