package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transposes square blocks of 32-bit elements, a vector wide, by the perfect shuffle: interleaving
 * rows i and i + n/2 into rows 2i and 2i + 1, log₂ n times, moves each bit of the row number into
 * the column number.
 */
final class Transposer {
  static final int LANES = IntVector.SPECIES_PREFERRED.length();

  private static final VectorSpecies<Integer> SPECIES = IntVector.SPECIES_PREFERRED;
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
    int round = 0;
    for (int pass = 1; round + 2 < ROUNDS; round += 2, pass++) {
      long to = (pass & 1) * BLOCK_BYTES;
      shuffleTwice(from, fromStart, fromRow, last, scratch, to, ROW_BYTES);
      from = scratch;
      fromStart = to;
      fromRow = ROW_BYTES;
      last = LANES - 1;
    }
    if (ROUNDS - round == 2) {
      shuffleTwice(from, fromStart, fromRow, last, target, targetStart, targetRow);
    } else {
      shuffle(from, fromStart, fromRow, last, target, targetStart, targetRow);
    }
  }

  /** Two rounds at once, on four rows that stay in registers between them. */
  private static void shuffleTwice(
      MemorySegment from,
      long fromStart,
      long fromRow,
      int last,
      MemorySegment to,
      long toStart,
      long toRow) {
    MemorySegment target = Lanes.offHeap(to);
    for (int i = 0; i < LANES / 4; i++) {
      long row0 = fromStart + Math.min(i, last) * fromRow;
      long row1 = fromStart + Math.min(i + LANES / 4, last) * fromRow;
      long row2 = fromStart + Math.min(i + LANES / 2, last) * fromRow;
      long row3 = fromStart + Math.min(i + 3 * LANES / 4, last) * fromRow;
      IntVector x0 = IntVector.fromMemorySegment(SPECIES, from, row0, ORDER);
      IntVector x1 = IntVector.fromMemorySegment(SPECIES, from, row1, ORDER);
      IntVector x2 = IntVector.fromMemorySegment(SPECIES, from, row2, ORDER);
      IntVector x3 = IntVector.fromMemorySegment(SPECIES, from, row3, ORDER);
      IntVector even = LOW.selectFrom(x0, x2);
      IntVector odd = HIGH.selectFrom(x0, x2);
      IntVector evenBelow = LOW.selectFrom(x1, x3);
      IntVector oddBelow = HIGH.selectFrom(x1, x3);
      long row = toStart + 4L * i * toRow;
      LOW.selectFrom(even, evenBelow).intoMemorySegment(target, row, ORDER);
      HIGH.selectFrom(even, evenBelow).intoMemorySegment(target, row + toRow, ORDER);
      LOW.selectFrom(odd, oddBelow).intoMemorySegment(target, row + 2 * toRow, ORDER);
      HIGH.selectFrom(odd, oddBelow).intoMemorySegment(target, row + 3 * toRow, ORDER);
    }
  }

  private static void shuffle(
      MemorySegment from,
      long fromStart,
      long fromRow,
      int last,
      MemorySegment to,
      long toStart,
      long toRow) {
    MemorySegment target = Lanes.offHeap(to);
    for (int i = 0; i < LANES / 2; i++) {
      long first = fromStart + Math.min(i, last) * fromRow;
      long second = fromStart + Math.min(i + LANES / 2, last) * fromRow;
      IntVector x = IntVector.fromMemorySegment(SPECIES, from, first, ORDER);
      IntVector y = IntVector.fromMemorySegment(SPECIES, from, second, ORDER);
      long row = toStart + 2L * i * toRow;
      LOW.selectFrom(x, y).intoMemorySegment(target, row, ORDER);
      HIGH.selectFrom(x, y).intoMemorySegment(target, row + toRow, ORDER);
    }
  }
}
