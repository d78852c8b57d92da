package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.COLUMNS;
import static org.freetransformer.tensor.device.simd.GemmKernel.ROWS;
import static org.freetransformer.tensor.device.simd.GemmKernel.VECTOR_BYTES;
import static org.freetransformer.tensor.device.simd.Lanes.ORDER;
import static org.freetransformer.tensor.device.simd.Lanes.SPECIES;
import static org.freetransformer.tensor.device.simd.Memory.FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Panels of B in an array, as {@link FencedTile} reads them: their depth is even, and where k's is
 * not, A and B get a last step of zeros. Otherwise as {@link Packing}.
 */
final class ArrayPacking {
  private static final int ROWS_AT_ONCE = 4;

  private ArrayPacking() {}

  /** Steps of a panel for {@code depth} steps of k. */
  static int evenDepth(int depth) {
    return depth + depth % 2;
  }

  /**
   * Packs {@code depth} × {@code columns} elements of B as panels, from {@code to} on.
   *
   * @param scratch {@link ArrayTransposer#SCRATCH_ELEMENTS} long or more, overwritten
   */
  static void packPanels(
      MemorySegment b,
      long start,
      long rowStride,
      long columnStride,
      int depth,
      int columns,
      float[] panels,
      int to,
      float[] scratch) {
    if (columnStride == Float.BYTES || columns == 1) {
      packRows(b, start, rowStride, depth, columns, panels, to);
    } else if (rowStride == Float.BYTES && depth >= Lanes.COUNT) {
      for (int j = 0; j < columns; j += Lanes.COUNT) {
        long column = start + j * columnStride;
        int rows = Math.min(Lanes.COUNT, columns - j);
        int panel = to + position(j, depth);
        ArrayTransposer.transpose(b, column, columnStride, rows, depth, panels, panel, scratch);
      }
    } else {
      for (int j = 0; j < columns; j++) {
        long column = start + j * columnStride;
        int panel = to + position(j, depth);
        for (int k = 0; k < depth; k++) {
          panels[panel + k * COLUMNS] = b.get(FLOAT, column + k * rowStride);
        }
      }
    }
    clearLastRows(depth, columns, panels, to);
  }

  /**
   * Copies rows of up to a vector, a vector's width apart; what comes after a row's columns is
   * whatever lies there.
   */
  static void packVectors(
      MemorySegment b, long start, long rowStride, int rows, int columns, float[] to, int at) {
    if (rowStride == VECTOR_BYTES) {
      MemorySegment.copy(b, FLOAT, start, to, at, (rows - 1) * Lanes.COUNT + columns);
      return;
    }
    for (int i = 0; i < rows; i++) {
      long from = start + i * rowStride;
      if (from + VECTOR_BYTES <= b.byteSize()) {
        FloatVector.fromMemorySegment(SPECIES, b, from, ORDER).intoArray(to, at + i * Lanes.COUNT);
      } else {
        MemorySegment.copy(b, FLOAT, from, to, at + i * Lanes.COUNT, columns);
      }
    }
  }

  /** Takes over panels that were packed into a segment, from its beginning on. */
  static void copyPanels(MemorySegment packed, int depth, int columns, float[] panels, int to) {
    for (int j = 0; j < columns; j += COLUMNS) {
      long from = Packing.panelPosition(j, depth);
      MemorySegment.copy(packed, FLOAT, from, panels, to + position(j, depth), depth * COLUMNS);
    }
    clearLastRows(depth, columns, panels, to);
  }

  /** Where column {@code j} begins. */
  private static int position(int j, int depth) {
    return j / COLUMNS * panelElements(depth) + j % COLUMNS;
  }

  private static int panelElements(int depth) {
    return evenDepth(depth) * COLUMNS;
  }

  private static void clearLastRows(int depth, int columns, float[] panels, int to) {
    if (depth % 2 == 0) {
      return;
    }
    for (int j = 0; j < columns; j += COLUMNS) {
      int last = to + position(j, depth) + depth * COLUMNS;
      Arrays.fill(panels, last, last + COLUMNS, 0f);
    }
  }

  /** Adds the last step of zeros to A, which {@link Packing} has packed. */
  static void clearLastStep(float[] a, boolean byColumns, int rows, int depth) {
    if (depth % 2 == 0) {
      return;
    }
    for (int i = 0; i < rows; i++) {
      int column = i / ROWS * GemmScratch.A_TILE + depth * ROWS + i % ROWS;
      a[byColumns ? column : GemmScratch.rowOfA(i) + depth] = 0f;
    }
  }

  private static void packRows(
      MemorySegment b, long start, long rowStride, int depth, int columns, float[] panels, int to) {
    if (columns == COLUMNS && rowStride == GemmKernel.PANEL_ROW_BYTES) {
      MemorySegment.copy(b, FLOAT, start, panels, to, depth * COLUMNS);
      return;
    }
    int whole = columns - columns % COLUMNS;
    int padded = Math.ceilDiv(columns, COLUMNS) * COLUMNS;
    long reach = (ROWS_AT_ONCE - 1) * rowStride + (long) padded * Float.BYTES;
    int k = 0;
    for (; k <= depth - ROWS_AT_ONCE; k += ROWS_AT_ONCE) {
      long from = start + k * rowStride;
      if (from + reach > b.byteSize()) {
        break;
      }
      packFourRows(b, from, rowStride, padded, panels, to + k * COLUMNS, panelElements(depth));
    }
    int tail = to + position(whole, depth);
    for (; k < depth; k++) {
      long from = start + k * rowStride;
      packRow(b, from, whole, panels, to + k * COLUMNS, panelElements(depth));
      if (whole < columns) {
        from += (long) whole * Float.BYTES;
        MemorySegment.copy(b, FLOAT, from, panels, tail + k * COLUMNS, columns - whole);
      }
    }
  }

  /**
   * Four rows at a time: panels are kilobytes apart, and such places share few sets of the caches,
   * so each is written to in runs of some lines. What vectors read beyond the columns never counts.
   */
  private static void packFourRows(
      MemorySegment b,
      long from,
      long rowStride,
      int columns,
      float[] panels,
      int to,
      int panelElements) {
    int at = to;
    for (int j = 0; j < columns; j += COLUMNS) {
      long source = from + (long) j * Float.BYTES;
      packPiece(b, source, panels, at);
      packPiece(b, source + rowStride, panels, at + COLUMNS);
      packPiece(b, source + 2 * rowStride, panels, at + 2 * COLUMNS);
      packPiece(b, source + 3 * rowStride, panels, at + 3 * COLUMNS);
      at += panelElements;
    }
  }

  private static void packPiece(MemorySegment b, long from, float[] panels, int to) {
    FloatVector.fromMemorySegment(SPECIES, b, from, ORDER).intoArray(panels, to);
    FloatVector.fromMemorySegment(SPECIES, b, from + VECTOR_BYTES, ORDER)
        .intoArray(panels, to + Lanes.COUNT);
  }

  private static void packRow(
      MemorySegment b, long from, int columns, float[] panels, int to, int panelElements) {
    int at = to;
    for (int j = 0; j < columns; j += COLUMNS) {
      packPiece(b, from + (long) j * Float.BYTES, panels, at);
      at += panelElements;
    }
  }
}
