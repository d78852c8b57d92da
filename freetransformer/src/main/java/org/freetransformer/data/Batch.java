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

  /**
   * Checks that a model has all these tokens.
   *
   * @param vocabSize how many it has
   * @throws IllegalArgumentException naming a token that it has not
   */
  public void requireVocabulary(int vocabSize) {
    int largest = 0;
    for (int i = 0; i < tokens.length; i++) {
      largest = Math.max(largest, Math.max(tokens[i], targets[i]));
    }
    if (largest >= vocabSize) {
      throw new IllegalArgumentException(
          "the data has token %d: this model's tokens are 0 to %d (vocab_size); its tokenizer makes"
                  .formatted(largest, vocabSize - 1)
              + " more, or the data is another model's");
    }
  }
}
