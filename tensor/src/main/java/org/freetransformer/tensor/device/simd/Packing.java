package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.COLUMNS;
import static org.freetransformer.tensor.device.simd.GemmKernel.PANEL_ROW_BYTES;
import static org.freetransformer.tensor.device.simd.GemmKernel.ROWS;
import static org.freetransformer.tensor.device.simd.GemmKernel.VECTOR_BYTES;
import static org.freetransformer.tensor.device.simd.Lanes.ORDER;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;
import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Copies blocks of A and B from any strides into the two forms that {@link GemmKernel} reads. Rows
 * and columns that a tile has beyond the block keep whatever the scratch memory held: they only
 * reach parts of the tile that are never stored. Positions and strides are in bytes.
 */
final class Packing {
  private static final int COLUMNS_AT_ONCE = 4;
  private static final int ROWS_AT_ONCE = 4;

  private Packing() {}

  /** Packs rows of A for up to {@link GemmScratch#TILES} tiles, at a constant distance. */
  static void packRows(
      MemorySegment a,
      long start,
      long rowStride,
      long columnStride,
      int rows,
      int depth,
      float[] packed) {
    for (int i = 0; i < rows; i++) {
      long from = start + i * rowStride;
      int to = GemmScratch.rowOfA(i);
      if (columnStride == Float.BYTES) {
        MemorySegment.copy(a, FLOAT, from, packed, to, depth);
      } else {
        for (int k = 0; k < depth; k++) {
          packed[to + k] = a.get(FLOAT, from + k * columnStride);
        }
      }
    }
  }

  /**
   * Packs rows of an A that is contiguous in every column, tile by tile and column by column. What
   * a vector reads beyond a tile's rows never counts, so they are whole as long as memory goes on.
   */
  static void packColumns(
      MemorySegment a, long start, long columnStride, int rows, int depth, float[] packed) {
    int tiles = Math.ceilDiv(rows, ROWS);
    long tileReach = (long) Math.ceilDiv(ROWS, Lanes.COUNT) * VECTOR_BYTES;
    long reach = (tiles - 1L) * ROWS * Float.BYTES + tileReach;
    int k = 0;
    for (; k <= depth - COLUMNS_AT_ONCE; k += COLUMNS_AT_ONCE) {
      long from = start + k * columnStride;
      if (from + (COLUMNS_AT_ONCE - 1) * columnStride + reach > a.byteSize()) {
        break;
      }
      packFourColumns(a, from, columnStride, tiles, packed, k * ROWS);
    }
    for (; k < depth; k++) {
      for (int tile = 0; tile < tiles; tile++) {
        long from = start + k * columnStride + (long) tile * ROWS * Float.BYTES;
        int to = tile * GemmScratch.A_TILE + k * ROWS;
        MemorySegment.copy(a, FLOAT, from, packed, to, Math.min(ROWS, rows - tile * ROWS));
      }
    }
  }

  /**
   * Four columns at a time keep more of memory's lines under way than one after the other. What a
   * vector writes beyond its column, the next column overwrites.
   */
  private static void packFourColumns(
      MemorySegment a, long start, long columnStride, int tiles, float[] packed, int to) {
    for (int tile = 0; tile < tiles; tile++) {
      long from = start + (long) tile * ROWS * Float.BYTES;
      int at = to + tile * GemmScratch.A_TILE;
      packTileColumn(a, from, packed, at);
      packTileColumn(a, from + columnStride, packed, at + ROWS);
      packTileColumn(a, from + 2 * columnStride, packed, at + 2 * ROWS);
      packTileColumn(a, from + 3 * columnStride, packed, at + 3 * ROWS);
    }
  }

  private static void packTileColumn(MemorySegment a, long from, float[] packed, int to) {
    for (int i = 0; i < ROWS; i += Lanes.COUNT) {
      FloatVector.fromMemorySegment(SPECIES, a, from + (long) i * Float.BYTES, ORDER)
          .intoArray(packed, to + i);
    }
  }

  /**
   * Packs {@code depth} × {@code columns} elements of B as panels.
   *
   * @param panels from {@code to} on
   */
  static void packPanels(
      MemorySegment b,
      long start,
      long rowStride,
      long columnStride,
      int depth,
      int columns,
      MemorySegment panels,
      long to,
      GemmScratch scratch) {
    if (columnStride == Float.BYTES || columns == 1) {
      packRowsOfB(b, start, rowStride, depth, columns, panels, to);
    } else if (rowStride == Float.BYTES && depth >= Lanes.COUNT) {
      packTransposedPanels(b, start, columnStride, depth, columns, panels, to, scratch);
    } else {
      for (int j = 0; j < columns; j++) {
        long column = to + panelPosition(j, depth);
        for (int k = 0; k < depth; k++) {
          float x = b.get(FLOAT, start + k * rowStride + j * columnStride);
          panels.set(FLOAT, column + k * PANEL_ROW_BYTES, x);
        }
      }
    }
  }

  /** Where column {@code j} of the block begins. */
  static long panelPosition(int j, int depth) {
    return (long) (j / COLUMNS) * depth * PANEL_ROW_BYTES + (long) (j % COLUMNS) * Float.BYTES;
  }

  private static void packRowsOfB(
      MemorySegment b,
      long start,
      long rowStride,
      int depth,
      int columns,
      MemorySegment panels,
      long to) {
    int whole = columns - columns % COLUMNS;
    int k = 0;
    for (; k <= depth - ROWS_AT_ONCE; k += ROWS_AT_ONCE) {
      long from = start + k * rowStride;
      packFourRowsOfB(b, from, rowStride, panels, to + k * PANEL_ROW_BYTES, depth, whole);
    }
    for (; k < depth; k++) {
      packRowOfB(b, start + k * rowStride, panels, to + k * PANEL_ROW_BYTES, depth, whole);
    }
    long tail = to + panelPosition(whole, depth);
    for (k = 0; k < depth && whole < columns; k++) {
      long from = start + k * rowStride + (long) whole * Float.BYTES;
      MemorySegment.copy(
          b, from, panels, tail + k * PANEL_ROW_BYTES, (long) (columns - whole) * Float.BYTES);
    }
  }

  /** Panels lie far apart, in the same few sets of the caches, so each gets four rows at a time. */
  private static void packFourRowsOfB(
      MemorySegment b,
      long from,
      long rowStride,
      MemorySegment panels,
      long to,
      int depth,
      int columns) {
    for (int j = 0; j < columns; j += COLUMNS) {
      long source = from + (long) j * Float.BYTES;
      long target = to + (long) j * depth * Float.BYTES;
      copyPanelRow(b, source, panels, target);
      copyPanelRow(b, source + rowStride, panels, target + PANEL_ROW_BYTES);
      copyPanelRow(b, source + 2 * rowStride, panels, target + 2 * PANEL_ROW_BYTES);
      copyPanelRow(b, source + 3 * rowStride, panels, target + 3 * PANEL_ROW_BYTES);
    }
  }

  private static void packRowOfB(
      MemorySegment b, long from, MemorySegment panels, long to, int depth, int columns) {
    for (int j = 0; j < columns; j += COLUMNS) {
      copyPanelRow(b, from + (long) j * Float.BYTES, panels, to + (long) j * depth * Float.BYTES);
    }
  }

  private static void copyPanelRow(MemorySegment b, long from, MemorySegment panels, long to) {
    MemorySegment target = Lanes.offHeap(panels);
    FloatVector.fromMemorySegment(SPECIES, b, from, ORDER).intoMemorySegment(target, to, ORDER);
    FloatVector.fromMemorySegment(SPECIES, b, from + VECTOR_BYTES, ORDER)
        .intoMemorySegment(target, to + VECTOR_BYTES, ORDER);
  }

  private static void packTransposedPanels(
      MemorySegment b,
      long start,
      long columnStride,
      int depth,
      int columns,
      MemorySegment panels,
      long to,
      GemmScratch scratch) {
    for (int j = 0; j < columns; j += Lanes.COUNT) {
      long column = to + panelPosition(j, depth);
      for (int k = 0; k < depth; k += Lanes.COUNT) {
        int first = Math.min(k, depth - Lanes.COUNT);
        Transposer.transpose(
            b,
            start + j * columnStride + (long) first * Float.BYTES,
            columnStride,
            Math.min(Lanes.COUNT, columns - j),
            panels,
            column + first * PANEL_ROW_BYTES,
            PANEL_ROW_BYTES,
            scratch.blocks);
      }
    }
  }
}
