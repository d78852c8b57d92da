package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * {@code out = a · A × B} of 16-bit numbers on an NVIDIA GPU's tensor cores, with sums in f32. A
 * work group of 8 warps computes a tile of 128 × 128 from slices of 16 of the shared dimension in
 * local memory, each warp 32 × 64 of it as 2 × 8 fragments of 16 × 8 in registers.
 *
 * <p>Fragments are stored whole, without regard to M and N. So either the tiles fit the result,
 * which is f32, dense in its columns, and neither scaled nor added to; or they go one behind the
 * other to scratch memory, from where {@link #finish} brings what is of the result to its place.
 *
 * <p>An A of f32 beside a B of bf16 is split into {@link #PARTS} parts of bf16 whose sum it is, as
 * exactly as f32 can say ({@link #split}). The parts stand beside each other in scratch memory, as
 * columns of a longer A, against which the rows of B come again and again.
 *
 * <p>Args: {@code [M, N, K, batch dims × 2, then for A, B, out: offset, row stride, column stride,
 * batch strides × 2, then number of the first tile, scratch or} {@link #DIRECT}{@code , accumulate,
 * type of out, columns of A, and after how many of them B begins again]}.
 *
 * <p>Source: PTX ISA, "mma.m16n8k16" and "ldmatrix", for how a warp holds fragments.
 */
final class TensorCoreKernels {
  /** Rows and columns of a group's tile. */
  static final int TILE = 128;

  /** Work items of a group. */
  static final int GROUP = 256;

  /** The shared dimension of one instruction. */
  static final int SLICE = 16;

  /** Of f32, 24 bits, as bf16, 8 bits each. */
  static final int PARTS = 3;

  /** In place of scratch memory: the result itself. */
  static final int DIRECT = -1;

  private static final int WARP = 32;

  // Local memory, in ints of two numbers, is one array: the instructions read rows of 16 bytes,
  // which must be aligned, and the first array of a group is. A slice of A is 128 rows of 16
  // numbers; behind it, one of B is 16 panels of 8 columns, each of 16 rows. There are two of
  // both, so that one is filled while the other is read.
  private static final int PAIRS = TILE * SLICE / 2;
  private static final int BUFFER = 2 * PAIRS;
  private static final int PANEL = SLICE * 8 / 2;

  private TensorCoreKernels() {}

  /** Both operands are bf16. CUDA backend. */
  static void matMulBf16(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int[] tiles = c.allocateIntLocalArray(2 * BUFFER);
    int tile = args.get(20) + c.groupIdx;
    int rows = args.get(0) - firstRow(args, tile);
    int columns = args.get(1) - firstColumn(args, tile);
    int depth = args.get(2);
    int aDepth = args.get(24);
    int period = args.get(25);
    int aRow = args.get(6);
    int aColumn = args.get(7);
    int bRow = args.get(11);
    int bColumn = args.get(12);
    int aAt = place(args, tile, 5) + firstRow(args, tile) * aRow;
    int bAt = place(args, tile, 10) + firstColumn(args, tile) * bColumn;
    int me = c.localIdx;
    int warp = me / WARP;
    int aBytes = warp / 2 * (32 * SLICE * 2);
    int bBytes = PAIRS * 4 + warp % 2 * (8 * PANEL * 4);

    float[] c00 = c.mmaFragment(0f);
    float[] c01 = c.mmaFragment(0f);
    float[] c02 = c.mmaFragment(0f);
    float[] c03 = c.mmaFragment(0f);
    float[] c04 = c.mmaFragment(0f);
    float[] c05 = c.mmaFragment(0f);
    float[] c06 = c.mmaFragment(0f);
    float[] c07 = c.mmaFragment(0f);
    float[] c10 = c.mmaFragment(0f);
    float[] c11 = c.mmaFragment(0f);
    float[] c12 = c.mmaFragment(0f);
    float[] c13 = c.mmaFragment(0f);
    float[] c14 = c.mmaFragment(0f);
    float[] c15 = c.mmaFragment(0f);
    float[] c16 = c.mmaFragment(0f);
    float[] c17 = c.mmaFragment(0f);
    for (int e = me; e < PAIRS; e += GROUP) {
      tiles[placeInA(aRow < aColumn, e)] = pairOfA(halves, aAt, aRow, aColumn, rows, aDepth, e);
      tiles[placeInB(bRow < bColumn, e)] = pairOfB(halves, bAt, bRow, bColumn, depth, columns, e);
    }
    for (int k = 0; k < aDepth; k += SLICE) {
      int buffer = k / SLICE % 2 * BUFFER;
      // All is filled of this buffer, and nobody reads the other one any more.
      c.localBarrier();
      if (k + SLICE < aDepth) {
        int next = k + SLICE;
        int again = next % period;
        int left = depth - again;
        int other = BUFFER - buffer;
        int aNext = aAt + next * aColumn;
        int bNext = bAt + again * bRow;
        for (int e = me; e < PAIRS; e += GROUP) {
          int inA = other + placeInA(aRow < aColumn, e);
          int inB = other + placeInB(bRow < bColumn, e);
          tiles[inA] = pairOfA(halves, aNext, aRow, aColumn, rows, aDepth - next, e);
          tiles[inB] = pairOfB(halves, bNext, bRow, bColumn, left, columns, e);
        }
      }
      int at = buffer * 4 + aBytes;
      HalfFloat[] a0 = c.mmaLoadA(tiles, SLICE, at);
      HalfFloat[] a1 = c.mmaLoadA(tiles, SLICE, at + 16 * SLICE * 2);
      int bt = buffer * 4 + bBytes;
      HalfFloat[] b0 = c.mmaLoadB(tiles, SLICE, bt);
      c00 = c.mmaBF16(a0, b0, c00, MMAShape.M16N8K16);
      c10 = c.mmaBF16(a1, b0, c10, MMAShape.M16N8K16);
      HalfFloat[] b1 = c.mmaLoadB(tiles, SLICE, bt + PANEL * 4);
      c01 = c.mmaBF16(a0, b1, c01, MMAShape.M16N8K16);
      c11 = c.mmaBF16(a1, b1, c11, MMAShape.M16N8K16);
      HalfFloat[] b2 = c.mmaLoadB(tiles, SLICE, bt + 2 * PANEL * 4);
      c02 = c.mmaBF16(a0, b2, c02, MMAShape.M16N8K16);
      c12 = c.mmaBF16(a1, b2, c12, MMAShape.M16N8K16);
      HalfFloat[] b3 = c.mmaLoadB(tiles, SLICE, bt + 3 * PANEL * 4);
      c03 = c.mmaBF16(a0, b3, c03, MMAShape.M16N8K16);
      c13 = c.mmaBF16(a1, b3, c13, MMAShape.M16N8K16);
      HalfFloat[] b4 = c.mmaLoadB(tiles, SLICE, bt + 4 * PANEL * 4);
      c04 = c.mmaBF16(a0, b4, c04, MMAShape.M16N8K16);
      c14 = c.mmaBF16(a1, b4, c14, MMAShape.M16N8K16);
      HalfFloat[] b5 = c.mmaLoadB(tiles, SLICE, bt + 5 * PANEL * 4);
      c05 = c.mmaBF16(a0, b5, c05, MMAShape.M16N8K16);
      c15 = c.mmaBF16(a1, b5, c15, MMAShape.M16N8K16);
      HalfFloat[] b6 = c.mmaLoadB(tiles, SLICE, bt + 6 * PANEL * 4);
      c06 = c.mmaBF16(a0, b6, c06, MMAShape.M16N8K16);
      c16 = c.mmaBF16(a1, b6, c16, MMAShape.M16N8K16);
      HalfFloat[] b7 = c.mmaLoadB(tiles, SLICE, bt + 7 * PANEL * 4);
      c07 = c.mmaBF16(a0, b7, c07, MMAShape.M16N8K16);
      c17 = c.mmaBF16(a1, b7, c17, MMAShape.M16N8K16);
    }
    int stride = args.get(21) == DIRECT ? args.get(16) : TILE;
    int out = tileAt(args, tile, c.groupIdx) + warp / 2 * 32 * stride + warp % 2 * 64;
    c.mmaStore(c00, floats, 0, out, stride);
    c.mmaStore(c01, floats, 0, out + 8, stride);
    c.mmaStore(c02, floats, 0, out + 16, stride);
    c.mmaStore(c03, floats, 0, out + 24, stride);
    c.mmaStore(c04, floats, 0, out + 32, stride);
    c.mmaStore(c05, floats, 0, out + 40, stride);
    c.mmaStore(c06, floats, 0, out + 48, stride);
    c.mmaStore(c07, floats, 0, out + 56, stride);
    int lower = out + 16 * stride;
    c.mmaStore(c10, floats, 0, lower, stride);
    c.mmaStore(c11, floats, 0, lower + 8, stride);
    c.mmaStore(c12, floats, 0, lower + 16, stride);
    c.mmaStore(c13, floats, 0, lower + 24, stride);
    c.mmaStore(c14, floats, 0, lower + 32, stride);
    c.mmaStore(c15, floats, 0, lower + 40, stride);
    c.mmaStore(c16, floats, 0, lower + 48, stride);
    c.mmaStore(c17, floats, 0, lower + 56, stride);
  }

  /** Both operands are fp16. CUDA and PTX backends, of which the latter has no bf16. */
  static void matMulF16(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int[] tiles = c.allocateIntLocalArray(2 * BUFFER);
    int tile = args.get(20) + c.groupIdx;
    int rows = args.get(0) - firstRow(args, tile);
    int columns = args.get(1) - firstColumn(args, tile);
    int depth = args.get(2);
    int aDepth = args.get(24);
    int period = args.get(25);
    int aRow = args.get(6);
    int aColumn = args.get(7);
    int bRow = args.get(11);
    int bColumn = args.get(12);
    int aAt = place(args, tile, 5) + firstRow(args, tile) * aRow;
    int bAt = place(args, tile, 10) + firstColumn(args, tile) * bColumn;
    int me = c.localIdx;
    int warp = me / WARP;
    int aBytes = warp / 2 * (32 * SLICE * 2);
    int bBytes = PAIRS * 4 + warp % 2 * (8 * PANEL * 4);

    float[] c00 = c.mmaFragment(0f);
    float[] c01 = c.mmaFragment(0f);
    float[] c02 = c.mmaFragment(0f);
    float[] c03 = c.mmaFragment(0f);
    float[] c04 = c.mmaFragment(0f);
    float[] c05 = c.mmaFragment(0f);
    float[] c06 = c.mmaFragment(0f);
    float[] c07 = c.mmaFragment(0f);
    float[] c10 = c.mmaFragment(0f);
    float[] c11 = c.mmaFragment(0f);
    float[] c12 = c.mmaFragment(0f);
    float[] c13 = c.mmaFragment(0f);
    float[] c14 = c.mmaFragment(0f);
    float[] c15 = c.mmaFragment(0f);
    float[] c16 = c.mmaFragment(0f);
    float[] c17 = c.mmaFragment(0f);
    for (int e = me; e < PAIRS; e += GROUP) {
      tiles[placeInA(aRow < aColumn, e)] = pairOfA(halves, aAt, aRow, aColumn, rows, aDepth, e);
      tiles[placeInB(bRow < bColumn, e)] = pairOfB(halves, bAt, bRow, bColumn, depth, columns, e);
    }
    for (int k = 0; k < aDepth; k += SLICE) {
      int buffer = k / SLICE % 2 * BUFFER;
      // All is filled of this buffer, and nobody reads the other one any more.
      c.localBarrier();
      if (k + SLICE < aDepth) {
        int next = k + SLICE;
        int again = next % period;
        int left = depth - again;
        int other = BUFFER - buffer;
        int aNext = aAt + next * aColumn;
        int bNext = bAt + again * bRow;
        for (int e = me; e < PAIRS; e += GROUP) {
          int inA = other + placeInA(aRow < aColumn, e);
          int inB = other + placeInB(bRow < bColumn, e);
          tiles[inA] = pairOfA(halves, aNext, aRow, aColumn, rows, aDepth - next, e);
          tiles[inB] = pairOfB(halves, bNext, bRow, bColumn, left, columns, e);
        }
      }
      int at = buffer * 4 + aBytes;
      HalfFloat[] a0 = c.mmaLoadA(tiles, SLICE, at);
      HalfFloat[] a1 = c.mmaLoadA(tiles, SLICE, at + 16 * SLICE * 2);
      int bt = buffer * 4 + bBytes;
      HalfFloat[] b0 = c.mmaLoadB(tiles, SLICE, bt);
      c00 = c.mma(a0, b0, c00, MMAShape.M16N8K16);
      c10 = c.mma(a1, b0, c10, MMAShape.M16N8K16);
      HalfFloat[] b1 = c.mmaLoadB(tiles, SLICE, bt + PANEL * 4);
      c01 = c.mma(a0, b1, c01, MMAShape.M16N8K16);
      c11 = c.mma(a1, b1, c11, MMAShape.M16N8K16);
      HalfFloat[] b2 = c.mmaLoadB(tiles, SLICE, bt + 2 * PANEL * 4);
      c02 = c.mma(a0, b2, c02, MMAShape.M16N8K16);
      c12 = c.mma(a1, b2, c12, MMAShape.M16N8K16);
      HalfFloat[] b3 = c.mmaLoadB(tiles, SLICE, bt + 3 * PANEL * 4);
      c03 = c.mma(a0, b3, c03, MMAShape.M16N8K16);
      c13 = c.mma(a1, b3, c13, MMAShape.M16N8K16);
      HalfFloat[] b4 = c.mmaLoadB(tiles, SLICE, bt + 4 * PANEL * 4);
      c04 = c.mma(a0, b4, c04, MMAShape.M16N8K16);
      c14 = c.mma(a1, b4, c14, MMAShape.M16N8K16);
      HalfFloat[] b5 = c.mmaLoadB(tiles, SLICE, bt + 5 * PANEL * 4);
      c05 = c.mma(a0, b5, c05, MMAShape.M16N8K16);
      c15 = c.mma(a1, b5, c15, MMAShape.M16N8K16);
      HalfFloat[] b6 = c.mmaLoadB(tiles, SLICE, bt + 6 * PANEL * 4);
      c06 = c.mma(a0, b6, c06, MMAShape.M16N8K16);
      c16 = c.mma(a1, b6, c16, MMAShape.M16N8K16);
      HalfFloat[] b7 = c.mmaLoadB(tiles, SLICE, bt + 7 * PANEL * 4);
      c07 = c.mma(a0, b7, c07, MMAShape.M16N8K16);
      c17 = c.mma(a1, b7, c17, MMAShape.M16N8K16);
    }
    int stride = args.get(21) == DIRECT ? args.get(16) : TILE;
    int out = tileAt(args, tile, c.groupIdx) + warp / 2 * 32 * stride + warp % 2 * 64;
    c.mmaStore(c00, floats, 0, out, stride);
    c.mmaStore(c01, floats, 0, out + 8, stride);
    c.mmaStore(c02, floats, 0, out + 16, stride);
    c.mmaStore(c03, floats, 0, out + 24, stride);
    c.mmaStore(c04, floats, 0, out + 32, stride);
    c.mmaStore(c05, floats, 0, out + 40, stride);
    c.mmaStore(c06, floats, 0, out + 48, stride);
    c.mmaStore(c07, floats, 0, out + 56, stride);
    int lower = out + 16 * stride;
    c.mmaStore(c10, floats, 0, lower, stride);
    c.mmaStore(c11, floats, 0, lower + 8, stride);
    c.mmaStore(c12, floats, 0, lower + 16, stride);
    c.mmaStore(c13, floats, 0, lower + 24, stride);
    c.mmaStore(c14, floats, 0, lower + 32, stride);
    c.mmaStore(c15, floats, 0, lower + 40, stride);
    c.mmaStore(c16, floats, 0, lower + 48, stride);
    c.mmaStore(c17, floats, 0, lower + 56, stride);
  }

  /** First row of a tile; tiles are counted by rows, batch after batch. */
  private static int firstRow(IntArray args, int tile) {
    int tilesN = (args.get(1) + TILE - 1) / TILE;
    int tilesM = (args.get(0) + TILE - 1) / TILE;
    return tile / tilesN % tilesM * TILE;
  }

  private static int firstColumn(IntArray args, int tile) {
    int tilesN = (args.get(1) + TILE - 1) / TILE;
    return tile % tilesN * TILE;
  }

  /** Where the matrix of a tile's batch begins, of the operand whose args begin at {@code view}. */
  private static int place(IntArray args, int tile, int view) {
    int tilesN = (args.get(1) + TILE - 1) / TILE;
    int tilesM = (args.get(0) + TILE - 1) / TILE;
    return MatMulKernels.start(args, tile / (tilesN * tilesM), view);
  }

  /** Where a tile's sums go: to the result, or among the launch's tiles. */
  private static int tileAt(IntArray args, int tile, int group) {
    int at = args.get(21) + group * (TILE * TILE);
    if (args.get(21) == DIRECT) {
      at = place(args, tile, 15) + firstRow(args, tile) * args.get(16) + firstColumn(args, tile);
    }
    return at;
  }

  // A slice has 1024 pairs of neighbours in a row. Neighbouring items take neighbouring memory,
  // whichever way the operand lies: along a row, or down if its rows are closer than its columns,
  // of A by 16 rows at once, so that not all items write to the same banks.

  private static int rowOfA(boolean isDown, int e) {
    return isDown ? e / 128 * 16 + e % 16 : e / 8;
  }

  private static int stepOfA(boolean isDown, int e) {
    return isDown ? e / 16 % 8 : e % 8;
  }

  private static int placeInA(boolean isDown, int e) {
    return rowOfA(isDown, e) * 8 + stepOfA(isDown, e);
  }

  /** Pair number {@code e} of A's slice; zeros beyond the rows and columns that are left. */
  private static int pairOfA(
      ShortArray halves, int from, int rowStride, int columnStride, int rows, int columns, int e) {
    int row = rowOfA(rowStride < columnStride, e);
    int column = 2 * stepOfA(rowStride < columnStride, e);
    int at = from + row * rowStride + column * columnStride;
    return pair(halves, at, columnStride, row < rows ? columns - column : 0);
  }

  private static int rowOfB(boolean isDown, int e) {
    return isDown ? e % 16 : e / 64;
  }

  private static int stepOfB(boolean isDown, int e) {
    return isDown ? e / 16 : e % 64;
  }

  private static int placeInB(boolean isDown, int e) {
    int pair = stepOfB(isDown, e);
    return PAIRS + pair / 4 * PANEL + rowOfB(isDown, e) * 4 + pair % 4;
  }

  /** Pair number {@code e} of B's slice. */
  private static int pairOfB(
      ShortArray halves, int from, int rowStride, int columnStride, int rows, int columns, int e) {
    int row = rowOfB(rowStride < columnStride, e);
    int column = 2 * stepOfB(rowStride < columnStride, e);
    int at = from + row * rowStride + column * columnStride;
    return pair(halves, at, columnStride, row < rows ? columns - column : 0);
  }

  /** Two numbers of a row as one int; zeros in place of those that are not of {@code count}. */
  private static int pair(ShortArray halves, int at, int stride, int count) {
    int low = 0;
    int high = 0;
    if (count > 0) {
      low = halves.get(at) & 0xFFFF;
    }
    if (count > 1) {
      high = halves.get(at + stride) & 0xFFFF;
    }
    return low | (high << 16);
  }

  /**
   * Splits rows of f32 into parts of bf16, each the nearest number to what those before it leave.
   *
   * <p>Args: {@code [n, rows, K, columns of a part, of the f32 and of the parts each: offset, row
   * stride, column stride]}, a work item for each of the n elements of a part, zeros beyond K.
   */
  static void split(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int e = c.globalIdx;
    if (e < args.get(0)) {
      boolean isDown = args.get(5) < args.get(6); // Neighbouring items take neighbouring memory.
      int row = isDown ? e % args.get(1) : e / args.get(3);
      int column = isDown ? e / args.get(1) : e % args.get(3);
      float rest = 0f;
      if (column < args.get(2)) {
        rest = floats.get(args.get(4) + row * args.get(5) + column * args.get(6));
      }
      for (int part = 0; part < PARTS; part++) {
        int bits = Halves.encoded(Halves.BF16, rest);
        int to = column + part * args.get(3);
        halves.set(args.get(7) + row * args.get(8) + to * args.get(9), (short) bits);
        // What is infinite stays so: infinite less infinite is no number.
        rest = (bits & 0x7F80) == 0x7F80 ? 0f : rest - Halves.decoded(Halves.BF16, bits);
      }
    }
  }

  /** From scratch memory to the result: a work item an element of the launch's tiles. */
  static void finish(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int e = c.globalIdx;
    int tile = args.get(20) + e / (TILE * TILE);
    int row = firstRow(args, tile) + e / TILE % TILE;
    int column = firstColumn(args, tile) + e % TILE;
    if (row < args.get(0) && column < args.get(1)) {
      int out = place(args, tile, 15) + row * args.get(16) + column * args.get(17);
      int type = args.get(23);
      float value = a * floats.get(args.get(21) + e);
      if (args.get(22) != 0) {
        value += Halves.get(floats, halves, type, out);
      }
      if (type == Halves.F32) {
        floats.set(out, value);
      } else {
        halves.set(out, (short) Halves.encoded(type, value));
      }
    }
  }
}
