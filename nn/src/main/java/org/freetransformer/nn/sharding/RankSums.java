package org.freetransformer.nn.sharding;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;

/**
 * Adds up f32 numbers that ranks of one process show each other, in rank order and by blocks that
 * stay in the cache, so that each number is read once and each sum written once. One thread uses it
 * at a time.
 */
final class RankSums {
  private static final long BLOCK = 8 << 10; // Bytes.
  private static final long LINE = 64;

  private final MemorySegment sums = Arena.ofAuto().allocate(BLOCK, LINE);

  /** Where the numbers of each rank are. */
  @FunctionalInterface
  interface Terms {
    MemorySegment of(int rank);
  }

  /**
   * {@code sum += term(0) + term(1) + …}, in this order.
   *
   * @param travelling bf16, if the terms are to be rounded first
   */
  void add(MemorySegment sum, Terms terms, DType travelling, int ranks) {
    for (long at = 0; at < sum.byteSize(); at += BLOCK) {
      long bytes = Math.min(BLOCK, sum.byteSize() - at);
      addTerms(sum.asSlice(at, bytes), terms, travelling, ranks, at);
    }
  }

  /**
   * {@code result = term(0) + term(1) + …}, where the result may be one of the terms.
   *
   * @param travelling bf16, if the terms, and then their sum, are to be rounded
   */
  void replace(MemorySegment result, Terms terms, DType travelling, int ranks) {
    for (long at = 0; at < result.byteSize(); at += BLOCK) {
      long bytes = Math.min(BLOCK, result.byteSize() - at);
      MemorySegment block = sums.asSlice(0, bytes).fill((byte) 0);
      addTerms(block, terms, travelling, ranks, at);
      MemorySegment target = result.asSlice(at, bytes);
      if (travelling == DType.BF16) {
        Numbers.round(block, target);
      } else {
        target.copyFrom(block);
      }
    }
  }

  private static void addTerms(
      MemorySegment block, Terms terms, DType travelling, int ranks, long at) {
    for (int rank = 0; rank < ranks; rank++) {
      MemorySegment term = terms.of(rank).asSlice(at, block.byteSize());
      if (travelling == DType.BF16) {
        Numbers.addRounded(block, term);
      } else {
        Numbers.add(block, term);
      }
    }
  }
}
