package uk.ac.manchester.tornado.api;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.function.IntToDoubleFunction;
import uk.ac.manchester.tornado.api.types.HalfFloat;

/**
 * 32 neighbouring items of a work group, which together execute the instructions of tensor cores:
 * each lane gives what it has in its registers, and gets its part of the result.
 *
 * <p>Source: PTX ISA, "ldmatrix" and "Matrix Fragments for mma.m16n8k16 with floating point type".
 */
final class Warp {
  static final int SIZE = 32;

  private final CyclicBarrier barrier = new CyclicBarrier(SIZE);

  /** What each lane gave, for two instructions in turn: one is read while the next is filled. */
  private final Object[][] given = new Object[2][SIZE];

  /** All lanes execute instruction number {@code turn}, in which each gives something. */
  private <T> List<T> exchange(int turn, int lane, T mine) {
    Object[] slots = given[turn % 2];
    slots[lane] = mine;
    try {
      barrier.await();
    } catch (InterruptedException | BrokenBarrierException failure) {
      throw new IllegalStateException("another item of the warp failed", failure);
    }
    @SuppressWarnings("unchecked") // All lanes are in the same instruction.
    List<T> all = (List<T>) Arrays.asList(slots);
    return all;
  }

  /** Where a lane says that a row of 8 numbers begins, in bytes from the tile's first one. */
  @SuppressWarnings("ArrayRecordComponent") // Memory, never compared.
  private record Row(int[] tile, int at) {
    private Row {
      if (at % 16 != 0) {
        throw new IllegalArgumentException("ldmatrix needs rows at multiples of 16, not " + at);
      }
    }

    private HalfFloat number(int i) {
      int pair = tile[at / 4 + i / 2];
      return new HalfFloat((short) (i % 2 == 0 ? pair : pair >> 16));
    }
  }

  /**
   * {@code ldmatrix.sync.aligned.m8n8}: matrices of 8 × 8, whose rows lie where the lanes say, 8
   * lanes for each. A lane gets two neighbours of each matrix's row {@code lane / 4}, or of its
   * column if transposed.
   */
  HalfFloat[] load(int turn, int lane, int[] tile, int rowAt, int matrices, boolean isTransposed) {
    List<Row> rows = exchange(turn, lane, new Row(tile, rowAt));
    HalfFloat[] fragment = new HalfFloat[2 * matrices];
    for (int i = 0; i < fragment.length; i++) {
      int first = i / 2 * 8;
      int across = lane / 4;
      int along = lane % 4 * 2 + i % 2;
      fragment[i] =
          isTransposed
              ? rows.get(first + along).number(across)
              : rows.get(first + across).number(along);
    }
    return fragment;
  }

  /** A lane's registers: 8 numbers of A [16, 16], and 4 of B [16, 8]. */
  @SuppressWarnings("ArrayRecordComponent") // For their numbers; equality means nothing.
  private record Operands(HalfFloat[] a, HalfFloat[] b) {}

  /** {@code mma.sync.aligned.m16n8k16.row.col}, sums in f32: {@code c + A × B}. */
  float[] multiply(
      int turn,
      int lane,
      HalfFloat[] fragA,
      HalfFloat[] fragB,
      float[] fragC,
      IntToDoubleFunction decoded) {
    List<Operands> all = exchange(turn, lane, new Operands(fragA, fragB));
    float[] result = new float[4];
    for (int i = 0; i < 4; i++) {
      int row = lane / 4 + i / 2 * 8;
      int column = lane % 4 * 2 + i % 2;
      float sum = fragC[i];
      for (int k = 0; k < 16; k++) {
        HalfFloat a = all.get(row % 8 * 4 + k % 8 / 2).a()[k / 8 * 4 + row / 8 * 2 + k % 2];
        HalfFloat b = all.get(column * 4 + k % 8 / 2).b()[k / 8 * 2 + k % 2];
        sum +=
            (float)
                (decoded.applyAsDouble(a.getHalfFloatValue())
                    * decoded.applyAsDouble(b.getHalfFloatValue()));
      }
      result[i] = sum;
    }
    return result;
  }
}
