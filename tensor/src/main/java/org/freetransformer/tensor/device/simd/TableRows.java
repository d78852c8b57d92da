package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/** Rows of a table, read or written by index. */
final class TableRows {
  // Columns of a task of scatter-add: a whole number of cache lines, so that tasks share none.
  private static final int COLUMNS_PER_TASK = 64;

  private TableRows() {}

  static Kernel gather(Instruction.Gather instruction, Workers workers) {
    Buffer output = instruction.out().buffer();
    MemorySegment table = Memory.of(instruction.table());
    MemorySegment indices = Memory.of(instruction.indices());
    MemorySegment out = Memory.of(output);
    boolean accumulate = instruction.out().accumulate();
    RowBlocks blocks = RowBlocks.of(output);
    int tableRows = instruction.table().dim(0);
    long bytes = (long) blocks.columns() * output.dtype().bytes();
    ThreadTeam.Task task =
        (block, _) -> {
          for (int row = blocks.first(block); row < blocks.end(block); row++) {
            int index = Memory.intAt(indices, row);
            boolean present = index >= 0 && index < tableRows;
            if (accumulate && present) {
              add(table, index * bytes, out, row * bytes, 0, blocks.columns());
            } else if (present) {
              MemorySegment.copy(table, index * bytes, out, row * bytes, bytes);
            } else if (!accumulate) {
              out.asSlice(row * bytes, bytes).fill((byte) 0);
            }
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  /**
   * Each task adds up some columns of all rows, so that the order of the sum is that of the rows.
   */
  static Kernel scatterAdd(Instruction.ScatterAdd instruction, Workers workers) {
    MemorySegment source = Memory.of(instruction.source());
    MemorySegment indices = Memory.of(instruction.indices());
    MemorySegment table = Memory.of(instruction.table());
    RowBlocks rows = RowBlocks.of(instruction.source());
    int tableRows = instruction.table().dim(0);
    ThreadTeam.Task task =
        (block, _) -> {
          int from = block * COLUMNS_PER_TASK;
          int to = Math.min(rows.columns(), from + COLUMNS_PER_TASK);
          for (int row = 0; row < rows.rows(); row++) {
            int index = Memory.intAt(indices, row);
            if (index >= 0 && index < tableRows) {
              add(source, rows.start(row), table, rows.start(index), from, to);
            }
          }
        };
    int tasks = Math.ceilDiv(rows.columns(), COLUMNS_PER_TASK);
    return () -> workers.run(tasks, rows.elements(), task);
  }

  private static void add(
      MemorySegment source,
      long sourceRow,
      MemorySegment target,
      long targetRow,
      int from,
      int to) {
    int whole = from + Lanes.whole(to - from);
    for (int i = from; i < whole; i += Lanes.COUNT) {
      long at = targetRow + 4L * i;
      FloatVector sum = Lanes.load(target, at).add(Lanes.load(source, sourceRow + 4L * i));
      Lanes.store(sum, target, at);
    }
    if (whole < to) {
      VectorMask<Float> mask = Lanes.mask(whole, to);
      long at = targetRow + 4L * whole;
      FloatVector added = Lanes.load(source, sourceRow + 4L * whole, mask);
      Lanes.store(Lanes.load(target, at, mask).add(added), target, at, mask);
    }
  }

  /** In the order of the rows, because a later row with the same index wins. */
  static Kernel scatterRows(Instruction.ScatterRows instruction) {
    MemorySegment source = Memory.of(instruction.source());
    MemorySegment indices = Memory.of(instruction.indices());
    MemorySegment table = Memory.of(instruction.table());
    RowBlocks rows = RowBlocks.of(instruction.source());
    int tableRows = instruction.table().dim(0);
    long bytes = (long) rows.columns() * instruction.source().dtype().bytes();
    return () -> {
      for (int row = 0; row < rows.rows(); row++) {
        int index = Memory.intAt(indices, row);
        if (index >= 0 && index < tableRows) {
          MemorySegment.copy(source, row * bytes, table, index * bytes, bytes);
        }
      }
    };
  }
}
