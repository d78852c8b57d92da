package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;

/**
 * Runs a loop body over elements of operands with any strides. Where an operand is of 16 bits or
 * does not lie in whole vectors (odd strides, broadcast, the last few elements), the elements pass
 * through scratch memory, so that a body sees whole vectors of f32 only.
 */
final class Elementwise implements Kernel, ThreadTeam.Task {
  /** What is done with a run of elements. */
  @FunctionalInterface
  interface Body {
    /**
     * Computes some elements.
     *
     * @param memory per operand, outputs first
     * @param at byte position of the run's first element in each
     * @param n length of the run, a multiple of {@link Lanes#COUNT}
     * @param first number of the run's first element, counted row-major
     * @param worker which member of the team computes
     */
    void run(MemorySegment[] memory, long[] at, int n, long first, int worker);
  }

  /** Elements per run: the operands' scratch stays in the first-level cache. */
  static final int RUN = 1024;

  // A row shorter than this is gathered with its neighbours instead of being a run of its own.
  private static final int LONG_ROW = 64;
  private static final long SLOT_BYTES = 4L * RUN;

  // Members write their own arrays at every run: their cache lines must not be each other's.
  private static final int APART = 32;

  private final Workers workers;
  private final Body body;
  private final int outputs;
  private final boolean[] accumulate;
  private final MemorySegment[] operands;
  private final DType[] types;
  private final Loops loops;
  private final boolean[] direct;
  private final boolean rows;
  private final long size;
  private final int blocks;
  private final MemorySegment[][] memories;
  private final long[][] positions;

  Elementwise(Workers workers, Output out, Body body, Buffer... inputs) {
    this(workers, List.of(out), body, inputs);
  }

  /** A body with several outputs, which come first among its operands. */
  Elementwise(Workers workers, List<Output> outs, Body body, Buffer... inputs) {
    this.workers = workers;
    this.body = body;
    outputs = outs.size();
    accumulate = new boolean[outputs];
    int count = outputs + inputs.length;
    operands = new MemorySegment[count];
    types = new DType[count];
    Layout[] layouts = new Layout[count];
    for (int k = 0; k < count; k++) {
      Buffer buffer = k < outputs ? outs.get(k).buffer() : inputs[k - outputs];
      operands[k] = Memory.of(buffer);
      types[k] = buffer.dtype();
      layouts[k] = buffer.layout();
    }
    loops = Loops.over(layouts);
    for (int k = 0; k < outputs; k++) {
      accumulate[k] = outs.get(k).accumulate();
    }
    size = layouts[0].shape().size();
    blocks = Workers.blocks(size);
    direct = new boolean[count];
    boolean allContiguous = true;
    for (int k = 0; k < count; k++) {
      direct[k] = loops.isContiguous(k);
      allContiguous &= direct[k];
    }
    rows = !allContiguous && loops.inner() % Lanes.COUNT == 0 && loops.inner() >= LONG_ROW;
    for (int k = 0; k < count; k++) {
      direct[k] |= rows && loops.innerStride(k) == 1;
      direct[k] &= !Halves.are(types[k]);
    }
    memories = new MemorySegment[workers.size()][count + APART];
    positions = new long[workers.size()][count + APART];
    workers.requireSegment(count * SLOT_BYTES);
  }

  @Override
  public void run() {
    workers.run(blocks, size, this);
  }

  @Override
  public void run(int block, int worker) {
    long start = (long) block * Workers.BLOCK;
    long end = Math.min(size, start + Workers.BLOCK);
    while (start < end) {
      int n = (int) Math.min(RUN, end - start);
      if (rows) {
        n = (int) Math.min(n, loops.inner() - start % loops.inner());
      }
      int whole = Lanes.whole(n);
      if (whole > 0) {
        runWhole(start, whole, worker);
      }
      if (whole < n) {
        runTail(start + whole, n - whole, worker);
      }
      start += n;
    }
  }

  private void runWhole(long start, int n, int worker) {
    MemorySegment scratch = workers.segment(worker);
    MemorySegment[] memory = memories[worker];
    long[] at = positions[worker];
    for (int k = 0; k < operands.length; k++) {
      if (direct[k]) {
        memory[k] = operands[k];
        at[k] = loops.position(k, start) * Float.BYTES;
      } else {
        memory[k] = scratch;
        at[k] = k * SLOT_BYTES;
        if (k >= outputs || accumulate[k]) {
          gather(k, start, n, scratch, at[k]);
        }
      }
    }
    body.run(memory, at, n, start, worker);
    for (int k = 0; k < outputs; k++) {
      if (!direct[k]) {
        scatter(k, start, n, scratch);
      }
    }
  }

  /** Less than a vector: all operands in scratch memory, with what lies there behind them. */
  private void runTail(long start, int n, int worker) {
    MemorySegment scratch = workers.segment(worker);
    MemorySegment[] memory = memories[worker];
    long[] at = positions[worker];
    for (int k = 0; k < operands.length; k++) {
      memory[k] = scratch;
      at[k] = k * SLOT_BYTES;
      if (k >= outputs || accumulate[k]) {
        gather(k, start, n, scratch, at[k]);
      }
    }
    body.run(memory, at, Lanes.COUNT, start, worker);
    for (int k = 0; k < outputs; k++) {
      scatter(k, start, n, scratch);
    }
  }

  private void gather(int operand, long start, int n, MemorySegment scratch, long to) {
    MemorySegment from = operands[operand];
    long stride = loops.innerStride(operand);
    int done = 0;
    while (done < n) {
      long index = start + done;
      int run = (int) Math.min(n - done, loops.inner() - index % loops.inner());
      long position = loops.position(operand, index);
      long target = to + 4L * done;
      if (Halves.are(types[operand])) {
        gatherHalves(types[operand], from, position, stride, run, scratch, target);
      } else if (stride == 1) {
        MemorySegment.copy(from, 4 * position, scratch, target, 4L * run);
      } else {
        for (int i = 0; i < run; i++) {
          float value = from.get(Memory.FLOAT, 4 * (position + i * stride));
          scratch.set(Memory.FLOAT, target + 4L * i, value);
        }
      }
      done += run;
    }
  }

  private static void gatherHalves(
      DType type,
      MemorySegment from,
      long position,
      long stride,
      int n,
      MemorySegment scratch,
      long target) {
    if (stride == 1) {
      Halves.widen(type, from, Halves.BYTES * position, n, scratch, target);
      return;
    }
    for (int i = 0; i < n; i++) {
      float value = Halves.get(type, from, Halves.BYTES * (position + i * stride));
      scratch.set(Memory.FLOAT, target + 4L * i, value);
    }
  }

  private static void scatterHalves(
      MemorySegment scratch,
      long source,
      int n,
      DType type,
      MemorySegment to,
      long position,
      long stride) {
    if (stride == 1) {
      Halves.put(scratch, source, n, false, type, to, Halves.BYTES * position);
      return;
    }
    for (int i = 0; i < n; i++) {
      float value = scratch.get(Memory.FLOAT, source + 4L * i);
      Halves.set(type, to, Halves.BYTES * (position + i * stride), value);
    }
  }

  private void scatter(int operand, long start, int n, MemorySegment scratch) {
    MemorySegment to = operands[operand];
    long stride = loops.innerStride(operand);
    int done = 0;
    while (done < n) {
      long index = start + done;
      int run = (int) Math.min(n - done, loops.inner() - index % loops.inner());
      long position = loops.position(operand, index);
      long source = operand * SLOT_BYTES + 4L * done;
      if (Halves.are(types[operand])) {
        scatterHalves(scratch, source, run, types[operand], to, position, stride);
      } else if (stride == 1) {
        MemorySegment.copy(scratch, source, to, 4 * position, 4L * run);
      } else {
        for (int i = 0; i < run; i++) {
          float value = scratch.get(Memory.FLOAT, source + 4L * i);
          to.set(Memory.FLOAT, 4 * (position + i * stride), value);
        }
      }
      done += run;
    }
  }
}
