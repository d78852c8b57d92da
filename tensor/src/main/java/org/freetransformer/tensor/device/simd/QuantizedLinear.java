package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/**
 * A linear layer whose weight is held in 8 bits, with a scale for each output. For a single row the
 * weight is read once, where it lies, and widened in registers; for up to 16, see {@link RowDots},
 * and for more {@link WidenedLinear}. Sums are in f32, scaled at the end.
 */
final class QuantizedLinear implements RowProduct {
  /** Pairs of dot products whose lanes are added up at once. */
  private static final int PAIRS = 4;

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

  // A row of X, split where it is the only one; written by the caller before tasks begin.
  private final float[] packed;
  private final RowDots dots;

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
    packed = new float[depth];
    dots = new RowDots(scratch[0], 1, rows == 1 ? 0 : rows, depth, DType.I8, SkinnyGemm.COLD_ROWS);
    long worthwhile = CRUMB_MULTIPLY_ADDS / Math.max(1, (long) rows * depth);
    long shared = Math.ceilDiv(outputs, team.enoughTasks());
    long wanted = Math.clamp(Math.max(worthwhile, shared), 1, STRIP);
    outputsAtOnce = Math.ceilDiv((int) wanted, Lanes.COUNT) * Lanes.COUNT;
    blocks = Math.ceilDiv(outputs, outputsAtOnce);
  }

  /** Whether X is of few rows, which an array takes. */
  static boolean suits(Instruction.QuantizedLinear op) {
    int rows = op.x().dim(0);
    return rows <= SkinnyGemm.MAX_ROWS && RowDots.fits(1, rows, op.x().dim(1));
  }

  @Override
  public void run() {
    begin();
    team.run(parts(), this);
  }

  @Override
  public boolean isSmall() {
    return rows == 1;
  }

  @Override
  public int parts() {
    return rows == 0 ? 0 : blocks;
  }

  @Override
  public void begin() {
    for (int i = 0; i < rows; i++) {
      MemorySegment.copy(x, Memory.FLOAT, (long) i * depth * Float.BYTES, packed, 0, depth);
      if (rows == 1) {
        RowDots.split(packed, 0, depth, DType.I8, scratch[0].lanes);
      } else {
        dots.pack(packed, 0, 0, i);
      }
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
    dots.sum(scratch[worker], 0, 0, rows, weight, weightRow(begin), depth, width);
    for (int i = 0; i < rows; i++) {
      store(scratch[worker].rows, i * STRIP, i, begin, width);
    }
  }

  /** Two rows of the weight at a time, each the next in a half of its own: two long streams. */
  private void dotRow(GemmScratch scratch, int begin, int width) {
    int half = Math.ceilDiv(width, 2);
    for (int j = 0; j < half; j += PAIRS) {
      int present = Math.min(PAIRS, half - j);
      for (int i = 0; i < present; i++) {
        long row0 = weightRow(begin + j + i);
        long row1 = weightRow(begin + Math.min(half + j + i, width - 1));
        int first = i * Lanes.COUNT;
        int second = (PAIRS + i) * Lanes.COUNT;
        QuantizedKernel.dotTwo(packed, weight, row0, row1, depth, scratch.lanes, first, second);
      }
      LaneSums.add(scratch.lanes, 2 * PAIRS, scratch.lanes);
      System.arraycopy(scratch.lanes, 0, scratch.rows, j, present);
      System.arraycopy(scratch.lanes, PAIRS, scratch.rows, half + j, present);
    }
    store(scratch.rows, 0, 0, begin, width);
  }

  private long weightRow(int output) {
    return (long) output * depth;
  }

  private void store(float[] sums, int from, int row, int begin, int width) {
    long to = ((long) row * outputs + begin) * Float.BYTES;
    long scaled = (long) begin * Float.BYTES;
    int j = 0;
    for (; j < Lanes.whole(width); j += Lanes.COUNT) {
      FloatVector y = FloatVector.fromArray(Lanes.SPECIES, sums, from + j);
      Lanes.put(y.mul(Lanes.load(scales, scaled + 4L * j)), accumulate, out, to + 4L * j);
    }
    for (; j < width; j++) {
      float y = sums[from + j] * scales.get(Memory.FLOAT, scaled + 4L * j);
      out.set(Memory.FLOAT, to + 4L * j, accumulate ? y + out.get(Memory.FLOAT, to + 4L * j) : y);
    }
  }
}
