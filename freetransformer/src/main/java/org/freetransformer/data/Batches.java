package org.freetransformer.data;

import java.util.Arrays;

/**
 * Cuts a split into batches. The batch at a position is a pure function of the dataset, the seed
 * and the position, so that nothing but the position has to be kept to resume.
 *
 * <p>Training takes every example of a finite split once in each epoch, in an order that the seed
 * and the epoch decide; an endless split is taken in its own order. Validation is taken in order,
 * and {@link #upTo} reaches the examples that do not fill a batch.
 */
public final class Batches {

  private final Dataset dataset;
  private final Split split;
  private final int batchSize;
  private final long seed;
  private final long size;

  /**
   * Batches of {@code batchSize} examples.
   *
   * @param seed decides the order of training examples
   * @throws IllegalArgumentException if the split holds fewer examples than a batch
   */
  public Batches(Dataset dataset, Split split, int batchSize, long seed) {
    this.dataset = dataset;
    this.split = split;
    this.batchSize = batchSize;
    this.seed = seed;
    this.size = dataset.size(split);
    if (size == 0) {
      throw new IllegalArgumentException(
          "data_dir: the %s data has no examples".formatted(nameOf(split)));
    }
    if (batchSize < 1 || batchSize > size) {
      throw new IllegalArgumentException(
          "batch_size: %d is out of range; the %s data has %d examples; nearest is %d"
              .formatted(batchSize, nameOf(split), size, batchSize < 1 ? 1 : size));
    }
  }

  private static String nameOf(Split split) {
    return split == Split.TRAIN ? "training" : "validation";
  }

  /** Examples in each batch, B. */
  public int batchSize() {
    return batchSize;
  }

  /** Number of whole batches in the split, {@link Dataset#ENDLESS} if it is endless. */
  public long count() {
    return size == Dataset.ENDLESS ? Dataset.ENDLESS : size / batchSize;
  }

  /**
   * The examples from {@code position} on.
   *
   * @param position number of examples taken before; training goes on into further epochs
   * @throws IndexOutOfBoundsException if validation has fewer examples left than a batch
   */
  public Batch at(long position) {
    if (position < 0 || (split == Split.VALIDATION && position > size - batchSize)) {
      throw new IndexOutOfBoundsException(
          "position %d is outside the %d validation examples".formatted(position, size));
    }
    return upTo(position, position + batchSize);
  }

  /**
   * The examples from {@code position} on, up to {@code end}: rows beyond it hold token 0 and no
   * target that counts, so that a split whose size is no multiple of B can be measured whole.
   *
   * @param end number of the first example that is left out
   */
  public Batch upTo(long position, long end) {
    int length = dataset.length();
    int[] tokens = new int[batchSize * length];
    int[] targets = new int[batchSize * length];
    Arrays.fill(targets, Batch.IGNORE);
    for (int row = 0; row < batchSize && position + row < end; row++) {
      dataset.read(split, exampleAt(position + row), tokens, targets, row * length);
    }
    return new Batch(tokens, targets, batchSize, length);
  }

  /** Number of examples in the split, {@link Dataset#ENDLESS} if it is endless. */
  public long examples() {
    return size;
  }

  private long exampleAt(long position) {
    if (split == Split.VALIDATION || size == Dataset.ENDLESS) {
      return position;
    }
    return new Shuffle(size, seed, position / size).at(position % size);
  }
}
