package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat4;
import uk.ac.manchester.tornado.api.types.vectors.Float4;
import uk.ac.manchester.tornado.api.types.vectors.Short2;
import uk.ac.manchester.tornado.api.types.volumes.VolumeShort2;

/**
 * {@code out = a · A × B}: a work group of 256 computes a tile of 64 × 64, each item 4 × 4 of it in
 * registers, from slices of 16 of the shared dimension in local memory.
 *
 * <p>Args: {@code [M, N, K, batch dims × 2, then for A, B, out: offset, row stride, column stride,
 * batch strides × 2, then accumulate, types of A and B]}; out is f32. With {@link #FOURS} added to
 * a type, neighbours are those with a stride of 1.
 */
final class MatMulKernels {
  /** Rows and columns of a group's tile. */
  static final int TILE = 64;

  /** Work items of a group. */
  static final int GROUP = 256;

  /** Added to an operand's type: fours of neighbours, none across an edge, are read at once. */
  static final int FOURS = 4;

  private static final int SLICE = 16;
  private static final int PADDED = TILE + 4; // So that columns of a slice fall into other banks.

  private MatMulKernels() {}

  static void matMul(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] as = c.allocateFloatLocalArray(SLICE * PADDED);
    float[] bs = c.allocateFloatLocalArray(SLICE * PADDED);
    // Other views of the same memory, whose loads are of vectors. A compiler sees no object.
    VectorFloat4 fours = new VectorFloat4(floats);
    VolumeShort2 pairs = new VolumeShort2(1, 1, 1, halves);
    int m = args.get(0);
    int n = args.get(1);
    int depth = args.get(2);
    int tilesN = (n + TILE - 1) / TILE;
    int tilesM = (m + TILE - 1) / TILE;
    int group = c.groupIdx;
    int tileN = group % tilesN;
    int tileM = (group / tilesN) % tilesM;
    int batch = group / (tilesN * tilesM);
    int aBase = start(args, batch, 5);
    int bBase = start(args, batch, 10);
    int aRow = args.get(6);
    int aColumn = args.get(7);
    int bRow = args.get(11);
    int bColumn = args.get(12);
    int aType = args.get(21);
    int bType = args.get(22);
    int me = c.localIdx;
    int firstRow = tileM * TILE;
    int firstColumn = tileN * TILE;
    int myRow = (me / 16) * 4;
    int myColumn = (me % 16) * 4;
    // Four neighbours of a slice, along whichever way the operand lies, and where they go.
    int aR = aRow == 1 ? me % 16 * 4 : me / 4;
    int aK = aRow == 1 ? me / 16 : me % 4 * 4;
    int aTo = aK * PADDED + aR;
    int aStep = aRow == 1 ? 1 : PADDED;
    int bC = bRow == 1 ? me / 4 : me % 16 * 4;
    int bK = bRow == 1 ? me % 4 * 4 : me / 16;
    int bTo = bK * PADDED + bC;
    int bStep = bRow == 1 ? PADDED : 1;

    float c00 = 0f;
    float c01 = 0f;
    float c02 = 0f;
    float c03 = 0f;
    float c10 = 0f;
    float c11 = 0f;
    float c12 = 0f;
    float c13 = 0f;
    float c20 = 0f;
    float c21 = 0f;
    float c22 = 0f;
    float c23 = 0f;
    float c30 = 0f;
    float c31 = 0f;
    float c32 = 0f;
    float c33 = 0f;
    for (int k0 = 0; k0 < depth; k0 += SLICE) {
      int aAt = aBase + (firstRow + aR) * aRow + (k0 + aK) * aColumn;
      int bAt = bBase + (k0 + bK) * bRow + (firstColumn + bC) * bColumn;
      boolean aInside = firstRow + aR < m && k0 + aK < depth;
      boolean bInside = firstColumn + bC < n && k0 + bK < depth;
      if (aType == FOURS + Halves.F32) {
        Float4 four = new Float4(0f, 0f, 0f, 0f);
        if (aInside) {
          four = fours.get(aAt / 4);
        }
        as[aTo] = four.getX();
        as[aTo + aStep] = four.getY();
        as[aTo + 2 * aStep] = four.getZ();
        as[aTo + 3 * aStep] = four.getW();
      }
      if (bType == FOURS + Halves.F32) {
        Float4 four = new Float4(0f, 0f, 0f, 0f);
        if (bInside) {
          four = fours.get(bAt / 4);
        }
        bs[bTo] = four.getX();
        bs[bTo + bStep] = four.getY();
        bs[bTo + 2 * bStep] = four.getZ();
        bs[bTo + 3 * bStep] = four.getW();
      }
      for (int pair = 0; pair < 4; pair += 2) {
        if (aType > FOURS + Halves.F32) {
          float x = 0f;
          float y = 0f;
          if (aInside) {
            Short2 two = pairs.get((aAt + pair) / 2, 0, 0);
            x = Halves.decoded(aType - FOURS, two.getX() & 0xFFFF);
            y = Halves.decoded(aType - FOURS, two.getY() & 0xFFFF);
          }
          as[aTo + pair * aStep] = x;
          as[aTo + (pair + 1) * aStep] = y;
        }
        if (bType > FOURS + Halves.F32) {
          float x = 0f;
          float y = 0f;
          if (bInside) {
            Short2 two = pairs.get((bAt + pair) / 2, 0, 0);
            x = Halves.decoded(bType - FOURS, two.getX() & 0xFFFF);
            y = Halves.decoded(bType - FOURS, two.getY() & 0xFFFF);
          }
          bs[bTo + pair * bStep] = x;
          bs[bTo + (pair + 1) * bStep] = y;
        }
      }
      for (int part = 0; part < 4; part++) {
        int e = me + part * GROUP;
        if (aType < FOURS) {
          // Neighbouring items read neighbouring memory, whichever way the operand lies.
          int r = aRow < aColumn ? e % TILE : e / SLICE;
          int k = aRow < aColumn ? e / TILE : e % SLICE;
          float value = 0f;
          if (firstRow + r < m && k0 + k < depth) {
            int at = aBase + (firstRow + r) * aRow + (k0 + k) * aColumn;
            value = Halves.get(floats, halves, aType, at);
          }
          as[k * PADDED + r] = value;
        }
        if (bType < FOURS) {
          int col = bRow < bColumn ? e / SLICE : e % TILE;
          int k = bRow < bColumn ? e % SLICE : e / TILE;
          float value = 0f;
          if (firstColumn + col < n && k0 + k < depth) {
            int at = bBase + (k0 + k) * bRow + (firstColumn + col) * bColumn;
            value = Halves.get(floats, halves, bType, at);
          }
          bs[k * PADDED + col] = value;
        }
      }
      c.localBarrier();
      for (int k = 0; k < SLICE; k++) {
        int at = k * PADDED + myRow;
        float a0 = as[at];
        float a1 = as[at + 1];
        float a2 = as[at + 2];
        float a3 = as[at + 3];
        int bt = k * PADDED + myColumn;
        float b0 = bs[bt];
        float b1 = bs[bt + 1];
        float b2 = bs[bt + 2];
        float b3 = bs[bt + 3];
        c00 += a0 * b0;
        c01 += a0 * b1;
        c02 += a0 * b2;
        c03 += a0 * b3;
        c10 += a1 * b0;
        c11 += a1 * b1;
        c12 += a1 * b2;
        c13 += a1 * b3;
        c20 += a2 * b0;
        c21 += a2 * b1;
        c22 += a2 * b2;
        c23 += a2 * b3;
        c30 += a3 * b0;
        c31 += a3 * b1;
        c32 += a3 * b2;
        c33 += a3 * b3;
      }
      c.localBarrier();
    }
    int outBase = start(args, batch, 15);
    int row = firstRow + myRow;
    int column = firstColumn + myColumn;
    putRow(floats, args, outBase, row, column, a, c00, c01, c02, c03);
    putRow(floats, args, outBase, row + 1, column, a, c10, c11, c12, c13);
    putRow(floats, args, outBase, row + 2, column, a, c20, c21, c22, c23);
    putRow(floats, args, outBase, row + 3, column, a, c30, c31, c32, c33);
  }

  /** Where a batch's matrix begins, of the operand whose args begin at {@code view}. */
  static int start(IntArray args, int batch, int view) {
    int inner = batch % args.get(4);
    int outer = batch / args.get(4);
    return args.get(view) + outer * args.get(view + 3) + inner * args.get(view + 4);
  }

  private static void putRow(
      FloatArray floats,
      IntArray args,
      int base,
      int row,
      int column,
      float alpha,
      float v0,
      float v1,
      float v2,
      float v3) {
    if (row < args.get(0)) {
      int at = base + row * args.get(16);
      put(floats, args, at, column, alpha * v0);
      put(floats, args, at, column + 1, alpha * v1);
      put(floats, args, at, column + 2, alpha * v2);
      put(floats, args, at, column + 3, alpha * v3);
    }
  }

  /** Sets or adds an element, if the row has that column. */
  static void put(FloatArray floats, IntArray args, int rowAt, int column, float value) {
    if (column < args.get(1)) {
      int at = rowAt + column * args.get(17);
      Scalars.put(floats, at, value, args.get(20));
    }
  }
}
