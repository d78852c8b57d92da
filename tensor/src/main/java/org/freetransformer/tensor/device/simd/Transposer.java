package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transposes square blocks of 32-bit elements, a vector wide, by the perfect shuffle: interleaving
 * rows i and i + n/2 into rows 2i and 2i + 1, log₂ n times, moves each bit of the row number into
 * the column number. All rounds are the same small loop.
 */
final class Transposer {
  static final int LANES = IntVector.SPECIES_PREFERRED.length();

  private static final VectorSpecies<Integer> SPECIES = IntVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final long ROW_BYTES = (long) LANES * Integer.BYTES;
  private static final long BLOCK_BYTES = LANES * ROW_BYTES;
  private static final int ROUNDS = Integer.numberOfTrailingZeros(LANES);

  /** Picks the first halves of two vectors, in turns. */
  static final IntVector LOW = interleaving(0);

  /** Picks the second halves of two vectors, in turns. */
  static final IntVector HIGH = interleaving(LANES / 2);

  /** Bytes of scratch memory that {@link #transpose} needs. */
  static final long SCRATCH_BYTES = 2 * BLOCK_BYTES;

  private Transposer() {}

  private static IntVector interleaving(int first) {
    int[] lanes = new int[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = first + i / 2 + (i % 2) * LANES;
    }
    return IntVector.fromArray(SPECIES, lanes, 0);
  }

  /**
   * Writes the transpose of a block of {@link #LANES} × {@link #LANES} elements. All positions and
   * distances are in bytes.
   *
   * @param rows number of rows to read, 1 … LANES; the last one stands in for those missing
   * @param scratch {@link #SCRATCH_BYTES} long or more, overwritten
   */
  static void transpose(
      MemorySegment source,
      long sourceStart,
      long sourceRow,
      int rows,
      MemorySegment target,
      long targetStart,
      long targetRow,
      MemorySegment scratch) {
    MemorySegment from = source;
    long fromStart = sourceStart;
    long fromRow = sourceRow;
    int last = rows - 1;
    for (int round = 1; round < ROUNDS; round++) {
      long to = (round & 1) * BLOCK_BYTES;
      shuffle(from, fromStart, fromRow, last, scratch, to, ROW_BYTES);
      from = scratch;
      fromStart = to;
      fromRow = ROW_BYTES;
      last = LANES - 1;
    }
    shuffle(from, fromStart, fromRow, last, target, targetStart, targetRow);
  }

  private static void shuffle(
      MemorySegment from,
      long fromStart,
      long fromRow,
      int last,
      MemorySegment to,
      long toStart,
      long toRow) {
    for (int i = 0; i < LANES / 2; i++) {
      long first = fromStart + Math.min(i, last) * fromRow;
      long second = fromStart + Math.min(i + LANES / 2, last) * fromRow;
      IntVector x = IntVector.fromMemorySegment(SPECIES, from, first, ORDER);
      IntVector y = IntVector.fromMemorySegment(SPECIES, from, second, ORDER);
      long row = toStart + 2L * i * toRow;
      LOW.selectFrom(x, y).intoMemorySegment(to, row, ORDER);
      HIGH.selectFrom(x, y).intoMemorySegment(to, row + toRow, ORDER);
    }
  }
}
