package org.freetransformer.nn;

import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Where the tokens of a forward pass [B, T] stand, the same for every block.
 *
 * @param positions i32 [T] or [B, T], for the rotary embedding
 * @param causal whether a token sees itself and those before it only
 * @param tokenCounts i32 [B], how many of the T tokens are real in a batch of unequal rows, padded
 *     at the end, or null if all are; causal attention needs no such care
 * @param slots i32 [B·T·Hkv], the cache rows that take this pass's keys and values, or null without
 *     caches: see {@link KeyValueCache#row}
 * @param cachedLengths i32 [B], how many keys the cache holds for each row, this pass's included,
 *     if attention is to read the cache; null if it reads this pass's tokens alone
 */
public record Sequence(
    Tensor positions,
    boolean causal,
    @Nullable Tensor tokenCounts,
    @Nullable Tensor slots,
    @Nullable Tensor cachedLengths) {
  /**
   * Checks what belongs together.
   *
   * @throws IllegalArgumentException if a cache is to be read that this pass does not write to
   */
  public Sequence {
    if (cachedLengths != null && slots == null) {
      throw new IllegalArgumentException(
          "cachedLengths without slots: a pass that reads the cache must write its own keys to it");
    }
  }

  /** Whole causal sequences of equal length, without caches: training. */
  public static Sequence whole(Tensor positions) {
    return new Sequence(positions, true, null, null, null);
  }

  /** Prompts, padded at the end, whose keys and values go to caches. */
  public static Sequence prompt(Tensor positions, Tensor tokenCounts, Tensor slots) {
    return new Sequence(positions, true, tokenCounts, slots, null);
  }

  /** Next tokens after what the caches hold. */
  public static Sequence next(Tensor positions, Tensor slots, Tensor cachedLengths) {
    return new Sequence(positions, true, null, slots, cachedLengths);
  }

  /** The same tokens seen both ways, without caches. */
  Sequence nonCausal() {
    return new Sequence(positions, false, tokenCounts, null, null);
  }
}
