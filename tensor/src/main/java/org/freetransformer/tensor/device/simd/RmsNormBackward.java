package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/**
 * Gradients of the root-mean-square norm, in one pass over the rows. Each block of rows sums its
 * part of the weight's gradient for itself; the parts are added in the blocks' order. All is f32
 * but dy, which may be of 16 bits.
 */
final class RmsNormBackward implements Kernel {
  private static final int MOST_PARTS = 64;
  private static final int COLUMNS_PER_TASK = 1024;

  private final Workers workers;
  private final RowBlocks blocks;
  private final MemorySegment x;
  private final MemorySegment weight;
  private final MemorySegment rstd;
  private final MemorySegment dy;
  private final DType dyType;
  private final @Nullable MemorySegment dx;
  private final boolean accumulateX;
  private final @Nullable MemorySegment dweight;
  private final boolean accumulateWeight;
  private final ThreadTeam.Task rowTask = this::runRows;
  private final ThreadTeam.Task partTask = this::addParts;

  RmsNormBackward(Instruction.RmsNormBackward instruction, Workers workers) {
    this.workers = workers;
    RowBlocks small = RowBlocks.of(instruction.x());
    int rowsPerBlock = Math.max(small.rowsPerBlock(), Math.ceilDiv(small.rows(), MOST_PARTS));
    blocks = new RowBlocks(small.rows(), small.columns(), rowsPerBlock);
    x = Memory.of(instruction.x());
    weight = Memory.of(instruction.weight());
    rstd = Memory.of(instruction.rstd());
    dy = Memory.of(instruction.dy());
    dyType = instruction.dy().dtype();
    if (Halves.are(dyType)) {
      workers.requireSegment(4L * (blocks.columns() + Lanes.COUNT));
    }
    Output outX = instruction.dx();
    dx = outX == null ? null : Memory.of(outX.buffer());
    accumulateX = outX != null && outX.accumulate();
    Output outWeight = instruction.dweight();
    dweight = outWeight == null ? null : Memory.of(outWeight.buffer());
    accumulateWeight = outWeight != null && outWeight.accumulate();
    if (dweight != null) {
      workers.requireShared(blocks.start(blocks.count()));
    }
  }

  @Override
  public void run() {
    workers.run(blocks.count(), blocks.elements(), rowTask);
    if (dweight != null) {
      int tasks = Math.ceilDiv(blocks.columns(), COLUMNS_PER_TASK);
      workers.run(tasks, (long) blocks.columns() * blocks.count(), partTask);
    }
  }

  private void runRows(int block, int worker) {
    int n = blocks.columns();
    MemorySegment parts = dweight == null ? null : workers.shared();
    long part = blocks.start(block);
    if (parts != null) {
      parts.asSlice(part, 4L * n).fill((byte) 0);
    }
    for (int row = blocks.first(block); row < blocks.end(block); row++) {
      long start = blocks.start(row);
      float scale = Memory.floatAt(rstd, row);
      if (Halves.are(dyType)) {
        MemorySegment wide = workers.segment(worker);
        Halves.widen(dyType, dy, start / 2, n, wide, 0);
        runRow(wide, 0, start, scale, parts, part);
      } else {
        runRow(dy, start, start, scale, parts, part);
      }
    }
  }

  private void runRow(
      MemorySegment g,
      long gStart,
      long start,
      float scale,
      @Nullable MemorySegment parts,
      long part) {
    int n = blocks.columns();
    if (dx != null) {
      float mean = dot(x, start, weight, g, gStart, n) / n;
      inputGradient(g, gStart, dx, start, n, scale, scale * scale * scale * mean);
    }
    if (parts != null) {
      addWeightGradient(x, start, g, gStart, parts, part, n, scale);
    }
  }

  /** Σ x·weight·dy. */
  private static float dot(
      MemorySegment x, long start, MemorySegment weight, MemorySegment dy, long dyStart, int n) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    int i = 0;
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      long at = start + 4L * i;
      sum =
          Lanes.load(x, at)
              .mul(Lanes.load(weight, 4L * i))
              .fma(Lanes.load(dy, dyStart + 4L * i), sum);
    }
    if (i < n) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      long at = start + 4L * i;
      FloatVector g = Lanes.load(x, at, mask).mul(Lanes.load(weight, 4L * i, mask));
      sum = g.fma(Lanes.load(dy, dyStart + 4L * i, mask), sum);
    }
    return Lanes.sum(sum);
  }

  /** dx = scale·dy·weight − shrink·x. */
  private void inputGradient(
      MemorySegment dy,
      long dyStart,
      MemorySegment out,
      long start,
      int n,
      float scale,
      float shrink) {
    FloatVector minus = Lanes.all(-shrink);
    int i = 0;
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector g = Lanes.load(dy, dyStart + 4L * i).mul(Lanes.load(weight, 4L * i)).mul(scale);
      FloatVector result = Lanes.load(x, at).fma(minus, g);
      Lanes.store(accumulateX ? result.add(Lanes.load(out, at)) : result, out, at);
    }
    if (i < n) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      long at = start + 4L * i;
      FloatVector weighted =
          Lanes.load(dy, dyStart + 4L * i, mask).mul(Lanes.load(weight, 4L * i, mask));
      FloatVector g = weighted.mul(scale);
      FloatVector result = Lanes.load(x, at, mask).fma(minus, g);
      Lanes.put(result, accumulateX, out, at, mask);
    }
  }

  /** part += dy·x·scale. */
  private static void addWeightGradient(
      MemorySegment x,
      long start,
      MemorySegment dy,
      long dyStart,
      MemorySegment parts,
      long part,
      int n,
      float scale) {
    int i = 0;
    for (; i < Lanes.whole(n); i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector g = Lanes.load(x, at).mul(scale);
      Lanes.store(
          g.fma(Lanes.load(dy, dyStart + 4L * i), Lanes.load(parts, part + 4L * i)),
          parts,
          part + 4L * i);
    }
    if (i < n) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      long at = start + 4L * i;
      FloatVector g = Lanes.load(x, at, mask).mul(scale);
      FloatVector sum =
          g.fma(Lanes.load(dy, dyStart + 4L * i, mask), Lanes.load(parts, part + 4L * i, mask));
      Lanes.store(sum, parts, part + 4L * i, mask);
    }
  }

  private void addParts(int task, int worker) {
    MemorySegment out = dweight;
    if (out == null) {
      return;
    }
    MemorySegment parts = workers.shared();
    int end = Math.min(blocks.columns(), (task + 1) * COLUMNS_PER_TASK);
    for (int i = task * COLUMNS_PER_TASK; i < end; i += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(i, end);
      FloatVector sum =
          accumulateWeight ? Lanes.load(out, 4L * i, mask) : FloatVector.zero(Lanes.SPECIES);
      for (int block = 0; block < blocks.count(); block++) {
        sum = sum.add(Lanes.load(parts, blocks.start(block) + 4L * i, mask));
      }
      Lanes.store(sum, out, 4L * i, mask);
    }
  }
}
