package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;

/**
 * A linear layer whose weight is held in 8 bits, with a scale for each output. For a single row the
 * weight is read once, where it lies, and widened in registers; for more, a few of its rows are
 * widened into the cache and meet all rows there. Sums are in f32, scaled at the end.
 */
final class QuantizedLinear implements Kernel, ThreadTeam.Task {
  /** Rows of X between which a widened row of the weight stays in the first-level cache. */
  private static final int GROUP = SkinnyGemm.MAX_ROWS;

  private static final int STRIP = SkinnyGemm.STRIP;
  private static final long CRUMB_MULTIPLY_ADDS = 1 << 17;

  private final ThreadTeam team;
  private final GemmScratch[] scratch;
  private final MemorySegment x;
  private final MemorySegment weight;
  private final MemorySegment scales;
  private final MemorySegment out;
  private final boolean accumulate;
  private final int rows;
  private final int depth;
  private final int outputs;
  private final int outputsAtOnce;
  private final int blocks;

  // X, split, with rows that fill up the last four: written by the caller before tasks begin.
  private final float[] packed;

  QuantizedLinear(ThreadTeam team, GemmScratch[] scratch, Instruction.QuantizedLinear op) {
    this.team = team;
    this.scratch = scratch;
    Output output = op.out();
    x = Memory.of(op.x());
    weight = Memory.of(op.weight());
    scales = Memory.of(op.scales());
    out = Memory.of(output.buffer());
    accumulate = output.accumulate();
    rows = op.x().dim(0);
    depth = op.x().dim(1);
    outputs = op.weight().dim(0);
    int padded = rows == 1 ? 1 : Math.ceilDiv(rows, SkinnyKernel.ROWS) * SkinnyKernel.ROWS;
    packed = new float[Math.multiplyExact(padded, depth)];
    long worthwhile = CRUMB_MULTIPLY_ADDS / Math.max(1, (long) rows * depth);
    long shared = Math.ceilDiv(outputs, team.enoughTasks());
    long wanted = Math.clamp(Math.max(worthwhile, shared), 1, STRIP);
    outputsAtOnce = Math.ceilDiv((int) wanted, GemmKernel.LANES) * GemmKernel.LANES;
    blocks = Math.ceilDiv(outputs, outputsAtOnce);
  }

  /** Whether some rows of the weight fit the scratch memory, and X an array. */
  static boolean suits(Instruction.QuantizedLinear op) {
    long depth = op.x().dim(1);
    return depth * SkinnyKernel.DOT_COLUMNS <= GemmScratch.PANEL_ELEMENTS
        && (op.x().dim(0) + SkinnyKernel.ROWS) * depth <= Integer.MAX_VALUE / 2;
  }

  @Override
  public void run() {
    for (int i = 0; i < rows; i++) {
      long from = (long) i * depth * Float.BYTES;
      MemorySegment.copy(x, Memory.FLOAT, from, packed, i * depth, depth);
      QuantizedKernel.split(packed, i * depth, depth, scratch[0].lanes);
    }
    if (rows > 0) {
      team.run(blocks, this);
    }
  }

  @Override
  public void run(int index, int worker) {
    int begin = index * outputsAtOnce;
    int width = Math.min(outputsAtOnce, outputs - begin);
    if (rows == 1) {
      dotRow(scratch[worker], begin, width);
      return;
    }
    for (int first = 0; first < rows; first += GROUP) {
      dotGroup(scratch[worker], first, Math.min(GROUP, rows - first), begin, width);
    }
  }

  /** One row of the weight after the other: a single stream, which hardware prefetches best. */
  private void dotRow(GemmScratch scratch, int begin, int width) {
    int lanes = GemmKernel.LANES;
    for (int j = 0; j < width; j += lanes) {
      int present = Math.min(lanes, width - j);
      for (int i = 0; i < present; i++) {
        QuantizedKernel.dot(
            packed, 0, weight, weightRow(begin + j + i), depth, scratch.a, i * lanes);
      }
      LaneSums.add(scratch.a, lanes, scratch.a);
      System.arraycopy(scratch.a, 0, scratch.rows, j, lanes);
    }
    store(scratch.rows, 0, 0, begin, width);
  }

  private void dotGroup(GemmScratch scratch, int first, int count, int begin, int width) {
    long row = (long) depth * Float.BYTES;
    for (int j = 0; j < width; j += SkinnyKernel.DOT_COLUMNS) {
      int present = Math.min(SkinnyKernel.DOT_COLUMNS, width - j);
      for (int column = 0; column < present; column++) {
        QuantizedKernel.widen(
            weight, weightRow(begin + j + column), depth, scratch.b, column * row);
      }
      for (int i = 0; i < count; i += SkinnyKernel.ROWS) {
        SkinnyKernel.dotRows(
            packed,
            (first + i) * depth,
            scratch.b,
            0,
            row,
            2 * row,
            3 * row,
            depth,
            scratch.lanes,
            scratch.rows,
            i * STRIP + j,
            1);
      }
    }
    for (int i = 0; i < count; i++) {
      store(scratch.rows, i * STRIP, first + i, begin, width);
    }
  }

  private long weightRow(int output) {
    return (long) output * depth;
  }

  private void store(float[] sums, int from, int row, int begin, int width) {
    long to = ((long) row * outputs + begin) * Float.BYTES;
    for (int j = 0; j < width; j += GemmKernel.LANES) {
      VectorMask<Float> mask = Lanes.mask(j, width);
      long at = (long) j * Float.BYTES;
      FloatVector scale = Lanes.load(scales, (long) begin * Float.BYTES + at, mask);
      FloatVector y = FloatVector.fromArray(Lanes.SPECIES, sums, from + j).mul(scale);
      Lanes.store(accumulate ? y.add(Lanes.load(out, to + at, mask)) : y, out, to + at, mask);
    }
  }
}
