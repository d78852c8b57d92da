package org.freetransformer.data;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Examples by number. An example is a pure function of the dataset, its split and its number, so
 * that a position in the data is one counter, and a run that is resumed sees what it would have
 * seen.
 */
public interface Dataset extends AutoCloseable {

  /** The size of an endless split. */
  long ENDLESS = Long.MAX_VALUE;

  /** Number of different tokens V: all are in 0 to V − 1. */
  int vocabSize();

  /** Tokens in each example T. */
  int length();

  /** Number of different examples in a split, or {@link #ENDLESS}. */
  long size(Split split);

  /**
   * Writes example {@code index} of a split; several threads may call this at once.
   *
   * @param index from 0 to {@link #size} − 1
   * @param tokens takes T inputs from {@code offset} on
   * @param targets takes T targets from {@code offset} on, {@link Batch#IGNORE} where none counts
   */
  void read(Split split, long index, int[] tokens, int[] targets, int offset);

  /** Gives back what the dataset holds; reading from it afterwards is an error. */
  @Override
  default void close() {}

  /**
   * The dataset that a configuration describes.
   *
   * @param notes told, in one line each, what is done otherwise than the files at hand suggest
   * @throws IllegalArgumentException if data is missing, unreadable, or shorter than one example
   * @throws UncheckedIOException if the disk has no room for the tokens of text
   */
  static Dataset open(DataConfig config, Consumer<String> notes) {
    return open(config, notes, () -> false);
  }

  /**
   * The same, where making tokens of text takes long.
   *
   * @param stop asked now and then whether to stop that
   * @throws CancellationException if it was; the same call goes on with what was made
   */
  static Dataset open(DataConfig config, Consumer<String> notes, BooleanSupplier stop) {
    return switch (config.source()) {
      case PLAN_LETTERS -> new PlanLetters(config.seed(), config.numValSamples());
      case SYNTHETIC -> UniformRandom.open(config, notes);
      case TOKENS -> PreparedTokens.open(Path.of(config.dataDir()), config);
      default -> PreparedTokens.open(TokenCache.prepared(config, notes, stop), config);
    };
  }
}
