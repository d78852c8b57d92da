package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.function.IntUnaryOperator;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Indices;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * Rotary positions: each head's two halves turned by the angles of its position. Input and output
 * may be of 16 bits.
 */
final class Rope implements Kernel, ThreadTeam.Task {
  private static final int HALF = Lanes.COUNT / 2;
  private static final VectorShuffle<Float> FIRST_TWICE = shuffle(lane -> lane % HALF);
  private static final VectorShuffle<Float> SECOND_TWICE = shuffle(lane -> HALF + lane % HALF);
  private static final VectorShuffle<Float> SWAPPED = shuffle(lane -> lane ^ HALF);
  private static final FloatVector SIGNS = Lanes.all(1f).blend(-1f, Lanes.mask(0, HALF));

  private final Workers workers;
  private final MemorySegment x;
  private final MemorySegment positions;
  private final MemorySegment table;
  private final MemorySegment out;
  private final Layout from;
  private final Layout to;
  private final Layout places;
  private final int times;
  private final int heads;
  private final int half;
  private final int known;
  private final float direction;
  private final boolean accumulate;
  private final RowBlocks blocks;
  private final DType inType;
  private final DType outType;

  Rope(Instruction.Rope instruction, Workers workers) {
    this.workers = workers;
    x = Memory.of(instruction.x());
    positions = Memory.of(instruction.positions());
    table = Memory.of(instruction.table());
    out = Memory.of(instruction.out().buffer());
    from = instruction.x().layout();
    to = instruction.out().buffer().layout();
    places = instruction.positions().layout();
    times = instruction.x().dim(1);
    heads = instruction.x().dim(2);
    half = instruction.x().dim(3) / 2;
    known = instruction.table().dim(0);
    direction = instruction.inverse() ? -1 : 1;
    accumulate = instruction.out().accumulate();
    blocks = RowBlocks.of(instruction.x().dim(0) * times, 2 * heads * half);
    inType = instruction.x().dtype();
    outType = instruction.out().buffer().dtype();
    workers.requireSegment(2 * wideBytes());
  }

  /** Bytes of a head in f32, and of a vector that reaches beyond it. */
  private long wideBytes() {
    return (2L * half + Lanes.COUNT) * Float.BYTES;
  }

  private static VectorShuffle<Float> shuffle(IntUnaryOperator sourceOfLane) {
    return VectorShuffle.fromOp(Lanes.SPECIES, sourceOfLane);
  }

  @Override
  public void run() {
    workers.run(blocks.count(), blocks.elements(), this);
  }

  @Override
  public void run(int block, int worker) {
    for (int row = blocks.first(block); row < blocks.end(block); row++) {
      int b = row / times;
      int t = row % times;
      int position = Memory.intAt(positions, b * places.stride(0) + t * places.stride(1));
      long angles = (long) Indices.position(position, row, known) * 2 * half * Float.BYTES;
      long source = b * from.stride(0) + t * from.stride(1);
      long target = b * to.stride(0) + t * to.stride(1);
      for (int h = 0; h < heads; h++) {
        turnHead(source + h * from.stride(2), target + h * to.stride(2), angles, worker);
      }
    }
  }

  /** Positions of the head are in elements here. */
  private void turnHead(long source, long target, long angles, int worker) {
    MemorySegment wide = workers.segment(worker);
    MemorySegment in = x;
    long sourceAt = source * Float.BYTES;
    if (Halves.are(inType)) {
      Halves.widen(inType, x, source * Halves.BYTES, 2 * half, wide, 0);
      in = wide;
      sourceAt = 0;
    }
    boolean narrows = Halves.are(outType);
    boolean apart = narrows || accumulate;
    MemorySegment result = apart ? wide : out;
    long resultAt = apart ? wideBytes() : target * Float.BYTES;
    if (2 * half == Lanes.COUNT) {
      turnVector(in, sourceAt, result, resultAt, angles);
    } else {
      turn(in, sourceAt, result, resultAt, angles);
    }
    if (narrows) {
      Halves.put(wide, resultAt, 2 * half, accumulate, outType, out, target * Halves.BYTES);
    } else if (accumulate) {
      Panels.addRow(wide, resultAt, 2 * half, out, target * Float.BYTES);
    }
  }

  // Without masks: each would cost so much of what C2 is willing to inline that vectors were
  // objects.
  private void turn(MemorySegment x, long source, MemorySegment out, long target, long angles) {
    long apart = 4L * half;
    int whole = Lanes.whole(half);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long step = 4L * i;
      FloatVector cos = Lanes.load(table, angles + step);
      FloatVector sin = Lanes.load(table, angles + apart + step).mul(direction);
      FloatVector u = Lanes.load(x, source + step);
      FloatVector v = Lanes.load(x, source + apart + step);
      Lanes.store(u.mul(cos).sub(v.mul(sin)), out, target + step);
      Lanes.store(v.mul(cos).add(u.mul(sin)), out, target + apart + step);
    }
    for (long step = 4L * whole; step < apart; step += 4) {
      float cos = table.get(Memory.FLOAT, angles + step);
      float sin = table.get(Memory.FLOAT, angles + apart + step) * direction;
      float u = x.get(Memory.FLOAT, source + step);
      float v = x.get(Memory.FLOAT, source + apart + step);
      out.set(Memory.FLOAT, target + step, u * cos - v * sin);
      out.set(Memory.FLOAT, target + apart + step, v * cos + u * sin);
    }
  }

  /** A head that is one vector: {@code x·(cos, cos) + (v, u)·(−sin, sin)}. */
  private void turnVector(
      MemorySegment x, long source, MemorySegment out, long target, long angles) {
    FloatVector row = Lanes.load(x, source);
    FloatVector angle = Lanes.load(table, angles);
    FloatVector sin = angle.rearrange(SECOND_TWICE).mul(SIGNS).mul(direction);
    FloatVector turned = row.mul(angle.rearrange(FIRST_TWICE)).add(row.rearrange(SWAPPED).mul(sin));
    Lanes.store(turned, out, target);
  }
}
