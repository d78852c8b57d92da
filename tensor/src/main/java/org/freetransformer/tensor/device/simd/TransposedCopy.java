package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * A copy of f32 whose input runs along another axis than its output: square blocks are turned in
 * registers, what is left at the edges goes element by element. A task is a strip of output rows, a
 * vector high.
 */
final class TransposedCopy implements Kernel, ThreadTeam.Task {
  private static final int OUT = 0;
  private static final int IN = 1;

  private final Workers workers;
  private final MemorySegment in;
  private final MemorySegment out;
  private final Loops loops;
  private final int rows;
  private final int columns;
  private final long inColumn;
  private final long outRow;
  private final int strips;

  private TransposedCopy(Instruction.Copy instruction, Loops loops, Workers workers) {
    this.workers = workers;
    this.loops = loops;
    in = Memory.of(instruction.in());
    out = Memory.of(instruction.out().buffer());
    rows = loops.dim(-2);
    columns = loops.inner();
    inColumn = loops.stride(IN, -1) * Float.BYTES;
    outRow = loops.stride(OUT, -2) * Float.BYTES;
    strips = Math.ceilDiv(rows, Lanes.COUNT);
  }

  /** A kernel, or null where the last two axes are not simply exchanged. */
  static @Nullable Kernel of(Instruction.Copy instruction, Workers workers) {
    Loops loops = Loops.over(instruction.out().buffer().layout(), instruction.in().layout());
    boolean exchanged =
        loops.rank() >= 2
            && loops.stride(OUT, -1) == 1
            && loops.stride(IN, -2) == 1
            && loops.stride(IN, -1) > 1;
    return exchanged && !instruction.out().accumulate() && loops.size() > 0
        ? new TransposedCopy(instruction, loops, workers)
        : null;
  }

  @Override
  public void run() {
    long matrices = loops.size() / ((long) rows * columns);
    workers.run(Math.toIntExact(matrices * strips), loops.size(), this);
  }

  @Override
  public void run(int task, int worker) {
    int row = task % strips * Lanes.COUNT;
    long first = (long) (task / strips) * rows * columns;
    long source = (loops.position(IN, first) + row) * Float.BYTES;
    long target = loops.position(OUT, first) * Float.BYTES + row * outRow;
    int height = Math.min(Lanes.COUNT, rows - row);
    int turned = height == Lanes.COUNT ? Lanes.whole(columns) : 0;
    for (int j = 0; j < turned; j += Lanes.COUNT) {
      Transposer.transpose(
          in,
          source + j * inColumn,
          inColumn,
          Lanes.COUNT,
          out,
          target + 4L * j,
          outRow,
          workers.transposeRoom(worker));
    }
    for (int i = 0; i < height; i++) {
      for (int j = turned; j < columns; j++) {
        float x = in.get(Memory.FLOAT, source + j * inColumn + 4L * i);
        out.set(Memory.FLOAT, target + i * outRow + 4L * j, x);
      }
    }
  }
}
