package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.A_STRIDE;
import static org.freetransformer.tensor.device.simd.GemmKernel.COLUMNS;
import static org.freetransformer.tensor.device.simd.GemmKernel.PANEL_ROW_BYTES;
import static org.freetransformer.tensor.device.simd.GemmKernel.ROWS;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;

/**
 * {@link Packing} of operands of 16 bits: they are widened on the way, so that the tiles see f32
 * and products are added up in f32. And the way of a tile back into a C of 16 bits. Positions and
 * strides are in bytes.
 */
final class HalfPacking {
  private HalfPacking() {}

  /**
   * As {@link Packing#packRows}.
   *
   * @param wide room for a row
   */
  static void packRows(
      DType type,
      MemorySegment a,
      long start,
      long rowStride,
      long columnStride,
      int rows,
      int depth,
      MemorySegment wide,
      float[] packed) {
    for (int i = 0; i < rows; i++) {
      long from = start + i * rowStride;
      int to = GemmScratch.rowOfA(i);
      if (columnStride == Halves.BYTES) {
        Halves.widen(type, a, from, depth, wide, 0);
        MemorySegment.copy(wide, Memory.FLOAT, 0, packed, to, depth);
      } else {
        for (int k = 0; k < depth; k++) {
          packed[to + k] = Halves.get(type, a, from + k * columnStride);
        }
      }
    }
  }

  /**
   * As {@link Packing#packColumns}.
   *
   * @param wide room for a column of the rows, and a vector more
   */
  static void packColumns(
      DType type,
      MemorySegment a,
      long start,
      long columnStride,
      int rows,
      int depth,
      MemorySegment wide,
      float[] packed) {
    int tiles = Math.ceilDiv(rows, ROWS);
    for (int k = 0; k < depth; k++) {
      Halves.widen(type, a, start + k * columnStride, rows, wide, 0);
      spread(wide, tiles, packed, k * ROWS);
    }
  }

  /** What a vector writes beyond its column, the next column overwrites. */
  private static void spread(MemorySegment line, int tiles, float[] packed, int to) {
    for (int tile = 0; tile < tiles; tile++) {
      for (int i = 0; i < ROWS; i += Lanes.COUNT) {
        Lanes.load(line, 4L * (tile * ROWS + i))
            .intoArray(packed, to + tile * GemmScratch.A_TILE + i);
      }
    }
  }

  /** As {@link Packing#packPanels}. */
  static void packPanels(
      DType type,
      MemorySegment b,
      long start,
      long rowStride,
      long columnStride,
      int depth,
      int columns,
      MemorySegment panels,
      long to,
      GemmScratch scratch) {
    if (columnStride == Halves.BYTES || columns == 1) {
      for (int k = 0; k < depth; k++) {
        packRow(type, b, start + k * rowStride, columns, depth, panels, to + k * PANEL_ROW_BYTES);
      }
    } else if (rowStride == Halves.BYTES && depth >= Lanes.COUNT) {
      packTransposed(type, b, start, columnStride, depth, columns, panels, to, scratch);
    } else {
      for (int j = 0; j < columns; j++) {
        long column = to + Packing.panelPosition(j, depth);
        for (int k = 0; k < depth; k++) {
          float x = Halves.get(type, b, start + k * rowStride + j * columnStride);
          panels.set(Memory.FLOAT, column + k * PANEL_ROW_BYTES, x);
        }
      }
    }
  }

  private static void packRow(
      DType type,
      MemorySegment b,
      long from,
      int columns,
      int depth,
      MemorySegment panels,
      long to) {
    for (int j = 0; j < columns; j += COLUMNS) {
      int width = Math.min(COLUMNS, columns - j);
      long target = to + (long) j * depth * Float.BYTES;
      Halves.widen(type, b, from + (long) j * Halves.BYTES, width, panels, target);
    }
  }

  private static void packTransposed(
      DType type,
      MemorySegment b,
      long start,
      long columnStride,
      int depth,
      int columns,
      MemorySegment panels,
      long to,
      GemmScratch scratch) {
    long wideColumn = (long) A_STRIDE * Float.BYTES;
    for (int j = 0; j < columns; j += Lanes.COUNT) {
      int present = Math.min(Lanes.COUNT, columns - j);
      for (int i = 0; i < present; i++) {
        long column = start + (j + i) * columnStride;
        Halves.widen(type, b, column, depth, scratch.wide, i * wideColumn);
      }
      long panel = to + Packing.panelPosition(j, depth);
      for (int k = 0; k < depth; k += Lanes.COUNT) {
        int first = Math.min(k, depth - Lanes.COUNT);
        Transposer.transpose(
            scratch.wide,
            (long) first * Float.BYTES,
            wideColumn,
            present,
            panels,
            panel + first * PANEL_ROW_BYTES,
            PANEL_ROW_BYTES,
            scratch.blocks);
      }
    }
  }

  /**
   * As {@link GemmKernel#store}.
   *
   * @param row room for a row of the tile
   */
  static void store(
      float[] tile,
      int rows,
      int columns,
      float alpha,
      boolean add,
      DType type,
      MemorySegment c,
      long cStart,
      long cRowBytes,
      MemorySegment row) {
    for (int i = 0; i < rows; i++) {
      GemmKernel.storeRow(tile, i * COLUMNS, columns, alpha, false, row, 0);
      Halves.put(row, 0, columns, add, type, c, cStart + i * cRowBytes);
    }
  }
}
