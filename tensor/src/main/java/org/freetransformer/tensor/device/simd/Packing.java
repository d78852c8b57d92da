package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.GemmKernel.A_STRIDE;
import static org.freetransformer.tensor.device.simd.GemmKernel.COLUMNS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Copies blocks of A and B from any strides into the two forms that {@link GemmKernel} reads. Rows
 * and columns that a tile has beyond the block keep whatever the scratch memory held: they only
 * reach parts of the tile that are never stored. Positions and strides are in bytes.
 */
final class Packing {
  private static final VectorSpecies<Float> SPECIES = GemmKernel.SPECIES;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final int LANES = GemmKernel.LANES;
  private static final long VECTOR_BYTES = (long) LANES * Float.BYTES;
  private static final long PANEL_ROW_BYTES = (long) COLUMNS * Float.BYTES;
  private static final long STAGE_ROW_BYTES = (long) A_STRIDE * Float.BYTES;

  private Packing() {}

  /** Packs {@code rows} × {@code depth} elements of A as rows at a constant distance. */
  static void packA(
      MemorySegment a,
      long start,
      long rowStride,
      long columnStride,
      int rows,
      int depth,
      GemmScratch scratch) {
    if (columnStride == Float.BYTES || depth == 1) {
      for (int i = 0; i < rows; i++) {
        MemorySegment.copy(a, FLOAT, start + i * rowStride, scratch.a, i * A_STRIDE, depth);
      }
    } else if (rowStride == Float.BYTES && rows >= LANES) {
      for (int i = 0; i < rows; i += LANES) {
        int first = Math.min(i, rows - LANES);
        packTransposedRows(
            a, start + (long) first * Float.BYTES, columnStride, first, depth, scratch);
      }
    } else {
      for (int i = 0; i < rows; i++) {
        for (int k = 0; k < depth; k++) {
          scratch.a[i * A_STRIDE + k] = a.get(FLOAT, start + i * rowStride + k * columnStride);
        }
      }
    }
  }

  private static void packTransposedRows(
      MemorySegment a, long start, long columnStride, int first, int depth, GemmScratch scratch) {
    for (int k = 0; k < depth; k += LANES) {
      Transposer.transpose(
          a,
          start + k * columnStride,
          columnStride,
          Math.min(LANES, depth - k),
          scratch.stage,
          (long) k * Float.BYTES,
          STAGE_ROW_BYTES,
          scratch.blocks);
    }
    for (int i = 0; i < LANES; i++) {
      MemorySegment.copy(
          scratch.stage, FLOAT, i * STAGE_ROW_BYTES, scratch.a, (first + i) * A_STRIDE, depth);
    }
  }

  /** Packs {@code depth} × {@code columns} elements of B as panels. */
  static void packB(
      MemorySegment b,
      long start,
      long rowStride,
      long columnStride,
      int depth,
      int columns,
      GemmScratch scratch) {
    if (columnStride == Float.BYTES || columns == 1) {
      packRows(b, start, rowStride, depth, columns, scratch.b);
    } else if (rowStride == Float.BYTES && depth >= LANES) {
      packTransposedPanels(b, start, columnStride, depth, columns, scratch);
    } else {
      for (int j = 0; j < columns; j++) {
        long to = panelPosition(j, depth);
        for (int k = 0; k < depth; k++) {
          float x = b.get(FLOAT, start + k * rowStride + j * columnStride);
          scratch.b.set(FLOAT, to + k * PANEL_ROW_BYTES, x);
        }
      }
    }
  }

  /** Where column {@code j} of the block begins. */
  private static long panelPosition(int j, int depth) {
    return (long) (j / COLUMNS) * depth * PANEL_ROW_BYTES + (long) (j % COLUMNS) * Float.BYTES;
  }

  private static void packRows(
      MemorySegment b, long start, long rowStride, int depth, int columns, MemorySegment panels) {
    int whole = columns - columns % COLUMNS;
    for (int k = 0; k < depth; k++) {
      packRow(b, start + k * rowStride, panels, k * PANEL_ROW_BYTES, depth, whole);
    }
    long tail = panelPosition(whole, depth);
    for (int k = 0; k < depth && whole < columns; k++) {
      long from = start + k * rowStride + (long) whole * Float.BYTES;
      MemorySegment.copy(
          b, from, panels, tail + k * PANEL_ROW_BYTES, (long) (columns - whole) * Float.BYTES);
    }
  }

  private static void packRow(
      MemorySegment b, long from, MemorySegment panels, long to, int depth, int columns) {
    for (int j = 0; j < columns; j += COLUMNS) {
      long source = from + (long) j * Float.BYTES;
      long target = to + (long) j * depth * Float.BYTES;
      FloatVector.fromMemorySegment(SPECIES, b, source, ORDER)
          .intoMemorySegment(panels, target, ORDER);
      FloatVector.fromMemorySegment(SPECIES, b, source + VECTOR_BYTES, ORDER)
          .intoMemorySegment(panels, target + VECTOR_BYTES, ORDER);
    }
  }

  private static void packTransposedPanels(
      MemorySegment b, long start, long columnStride, int depth, int columns, GemmScratch scratch) {
    for (int j = 0; j < columns; j += LANES) {
      long to = panelPosition(j, depth);
      for (int k = 0; k < depth; k += LANES) {
        int first = Math.min(k, depth - LANES);
        Transposer.transpose(
            b,
            start + j * columnStride + (long) first * Float.BYTES,
            columnStride,
            Math.min(LANES, columns - j),
            scratch.b,
            to + first * PANEL_ROW_BYTES,
            PANEL_ROW_BYTES,
            scratch.blocks);
      }
    }
  }
}
