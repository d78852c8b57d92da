package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;

/** Adds up numbers in raw memory by blocks that stay in the cache. One thread uses it at a time. */
final class RankSums {
  private static final int BLOCK = 4096;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final float[] sums = new float[BLOCK];
  private final float[] numbers = new float[BLOCK];
  private final short[] halves = new short[BLOCK];

  /** Where the numbers of each rank are. */
  @FunctionalInterface
  interface Terms {
    MemorySegment of(int rank);
  }

  /** {@code sum += term(0) + term(1) + …}, in this order; the sum f32, all of equal length. */
  void add(MemorySegment sum, Terms terms, DType type, int ranks) {
    long count = sum.byteSize() / Float.BYTES;
    for (long from = 0; from < count; from += BLOCK) {
      int n = (int) Math.min(BLOCK, count - from);
      MemorySegment.copy(sum, FLOAT, from * Float.BYTES, sums, 0, n);
      addTerms(terms, type, ranks, from, n);
      MemorySegment.copy(sums, 0, sum, FLOAT, from * Float.BYTES, n);
    }
  }

  /**
   * {@code result = term(0) + term(1) + …}, all of one type; the result may be one of the terms.
   */
  void replace(MemorySegment result, Terms terms, DType type, int ranks) {
    long count = result.byteSize() / type.bytes();
    for (long from = 0; from < count; from += BLOCK) {
      int n = (int) Math.min(BLOCK, count - from);
      Arrays.fill(sums, 0, n, 0);
      addTerms(terms, type, ranks, from, n);
      store(result, type, from, n);
    }
  }

  private void addTerms(Terms terms, DType type, int ranks, long from, int n) {
    for (int rank = 0; rank < ranks; rank++) {
      load(terms.of(rank), type, from, n);
      for (int i = 0; i < n; i++) {
        sums[i] += numbers[i];
      }
    }
  }

  private void load(MemorySegment source, DType type, long from, int n) {
    if (type == DType.F32) {
      MemorySegment.copy(source, FLOAT, from * Float.BYTES, numbers, 0, n);
      return;
    }
    MemorySegment.copy(source, SHORT, from * Short.BYTES, halves, 0, n);
    for (int i = 0; i < n; i++) {
      numbers[i] = BFloat16.toFloat(halves[i]);
    }
  }

  private void store(MemorySegment target, DType type, long from, int n) {
    if (type == DType.F32) {
      MemorySegment.copy(sums, 0, target, FLOAT, from * Float.BYTES, n);
      return;
    }
    for (int i = 0; i < n; i++) {
      halves[i] = BFloat16.fromFloat(sums[i]);
    }
    MemorySegment.copy(halves, 0, target, SHORT, from * Short.BYTES, n);
  }
}
