package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;

/**
 * The binary mapper's gradient over all plans, without a [N, C] matrix. A task is a block of
 * positions and a range of plans. Gains g (plans down, positions across) come tile by tile from the
 * matrix kernel and are folded at once, by the factors of G_d = high[d / 2^L]·low[d mod 2^L], L = H
 * / 2, into {@code highSums = Σ_low low·g} and {@code lowSums = Σ_high high·g}: 2·2^(H/2) numbers
 * per position, from which the H sums over plans with a bit, and without it, follow.
 *
 * <p>Blocks and ranges depend on shapes alone; a gain is one chain of sums over D, and plans are
 * taken in order, so neither tiles nor threads show in the result.
 */
final class BinaryMapper implements Kernel {
  private static final int TILE_ROWS = GemmKernel.ROWS;
  private static final int WIDTH = Panels.WIDTH;
  private static final int STRIDE = GemmKernel.A_STRIDE;

  // The more, the less often a plan's row is copied; their panels share L2 with the sums.
  private static final int MOST_POSITIONS = GemmScratch.PANEL_ELEMENTS < 1 << 18 ? 128 : 256;

  private static final int PLANS_PER_TASK = 8192;
  private static final float NEGLIGIBLE = 1e-30f;

  // A worker's arrays.
  private static final int PLAN_ROWS = 0;
  private static final int TILE = 1;
  private static final int LOW = 2;
  private static final int HIGH = 3;
  private static final int LOW_SUMS = 4;
  private static final int HIGH_SUMS = 5;
  private static final int PANELS = 6;
  private static final int TURNED = 7;

  private final Workers workers;
  private final MemorySegment logits;
  private final MemorySegment dr;
  private final MemorySegment table;
  private final MemorySegment dlogits;
  private final boolean accumulate;
  private final int positions;
  private final int bits;
  private final int lowBits;
  private final int size;
  private final int parts;
  private final int plansPerPart;
  private final int chunks;
  private final ThreadTeam.Task partTask = this::runPart;
  private final ThreadTeam.Task sumTask = this::addParts;

  BinaryMapper(Instruction.BinaryMapperBackward instruction, Workers workers) {
    this.workers = workers;
    logits = Memory.of(instruction.logits());
    dr = Memory.of(instruction.dr());
    table = Memory.of(instruction.table());
    dlogits = Memory.of(instruction.dlogits().buffer());
    accumulate = instruction.dlogits().accumulate();
    bits = instruction.logits().dim(-1);
    positions = Math.toIntExact(instruction.logits().size() / bits);
    lowBits = bits / 2;
    size = instruction.table().dim(-1);
    int plans = 1 << bits;
    plansPerPart = Math.min(plans, PLANS_PER_TASK);
    parts = plans / plansPerPart;
    chunks = Math.ceilDiv(positions, MOST_POSITIONS);
    long panels = slices() * sliceBytes();
    workers.requireSegment(panels);
    workers.requireArray(PANELS, Panels.arrayElements(panels));
    workers.requireArray(TURNED, ArrayTransposer.SCRATCH_ELEMENTS);
    workers.requireShared(4L * parts * positions * bits);
    workers.requireArray(PLAN_ROWS, TILE_ROWS * STRIDE);
    workers.requireArray(TILE, TILE_ROWS * WIDTH);
    workers.requireArray(LOW, MOST_POSITIONS << lowBits);
    workers.requireArray(LOW_SUMS, MOST_POSITIONS << lowBits);
    workers.requireArray(HIGH, MOST_POSITIONS << (bits - lowBits));
    workers.requireArray(HIGH_SUMS, MOST_POSITIONS << (bits - lowBits));
  }

  private int slices() {
    return Math.ceilDiv(size, GemmKernel.MAX_DEPTH);
  }

  @Override
  public void run() {
    workers.run(chunks * parts, (((long) positions * size) << bits) / 16, partTask);
    workers.run(chunks, (long) parts * positions * bits, sumTask);
  }

  private void runPart(int task, int worker) {
    int first = task % chunks * MOST_POSITIONS;
    int part = task / chunks;
    int count = Math.min(MOST_POSITIONS, positions - first);
    pack(first, count, worker);
    fillFactors(first, count, 0, lowBits, workers.array(LOW, worker));
    fillFactors(first, count, lowBits, bits, workers.array(HIGH, worker));
    Arrays.fill(workers.array(LOW_SUMS, worker), 0, MOST_POSITIONS << lowBits, 0);
    Arrays.fill(workers.array(HIGH_SUMS, worker), 0, MOST_POSITIONS << (bits - lowBits), 0);
    int end = (part + 1) * plansPerPart;
    for (int plan = part * plansPerPart; plan < end; plan += TILE_ROWS) {
      addPlans(plan, Math.min(TILE_ROWS, end - plan), count, worker);
    }
    long target = 4L * ((long) part * positions + first) * bits;
    storeSums(first, count, target, worker);
  }

  /** The positions' gradients as columns, in slices of the depth that a tile takes. */
  private void pack(int first, int count, int worker) {
    MemorySegment to = workers.segment(worker);
    for (int slice = 0; slice < slices(); slice++) {
      int from = slice * GemmKernel.MAX_DEPTH;
      Panels.packTransposed(
          dr,
          4L * ((long) first * size + from),
          4L * size,
          count,
          depth(slice),
          to,
          workers.array(PANELS, worker),
          slice * sliceBytes(),
          workers.transposeRoom(worker),
          workers.array(TURNED, worker));
    }
  }

  private int depth(int slice) {
    return Math.min(GemmKernel.MAX_DEPTH, size - slice * GemmKernel.MAX_DEPTH);
  }

  private long sliceBytes() {
    return Panels.bytes(Panels.depth(Math.min(size, GemmKernel.MAX_DEPTH)), MOST_POSITIONS);
  }

  /**
   * Π_h p_h^b·(1 − p_h)^(1−b) over bits {@code from} to {@code to}: a row for each value of them.
   */
  private void fillFactors(int first, int count, int from, int to, float[] factors) {
    Arrays.fill(factors, 0, MOST_POSITIONS, 1);
    for (int h = from; h < to; h++) {
      int half = MOST_POSITIONS << (h - from);
      for (int position = 0; position < count; position++) {
        float logit = Memory.floatAt(logits, (long) (first + position) * bits + h);
        float one = sigmoid(logit);
        float zero = sigmoid(-logit);
        for (int i = position; i < half; i += MOST_POSITIONS) {
          factors[half + i] = flushed(factors[i] * one);
          factors[i] = flushed(factors[i] * zero);
        }
      }
    }
  }

  /** Subnormal numbers would slow the sums down a hundredfold, and add nothing. */
  private static float flushed(float factor) {
    return factor < NEGLIGIBLE ? 0 : factor;
  }

  private static float sigmoid(float x) {
    return (float) UnaryFunction.SIGMOID.value(x);
  }

  private void addPlans(int plan, int rows, int count, int worker) {
    float[] planRows = workers.array(PLAN_ROWS, worker);
    float[] tile = workers.array(TILE, worker);
    float[] panels = workers.array(PANELS, worker);
    for (int slice = 0; slice < slices(); slice++) {
      int depth = depth(slice);
      for (int i = 0; i < rows; i++) {
        long from = 4L * ((long) (plan + i) * size + slice * (long) GemmKernel.MAX_DEPTH);
        MemorySegment.copy(table, Memory.FLOAT, from, planRows, i * STRIDE, depth);
        planRows[i * STRIDE + depth] = 0;
      }
      int steps = Panels.depth(depth);
      for (int position = 0; position < count; position += WIDTH) {
        long at = slice * sliceBytes() + position / WIDTH * Panels.panelBytes(steps);
        Panels.multiply(planRows, 0, workers.segment(worker), panels, at, steps, rows, false, tile);
        fold(tile, plan, rows, position, worker);
      }
    }
  }

  /** Some plans' gains at a panel of positions. Sums are linear, so slices fold one by one. */
  private void fold(float[] tile, int plan, int rows, int position, int worker) {
    float[] low = workers.array(LOW, worker);
    float[] high = workers.array(HIGH, worker);
    float[] lowSums = workers.array(LOW_SUMS, worker);
    float[] highSums = workers.array(HIGH_SUMS, worker);
    for (int i = 0; i < rows; i++) {
      int lowAt = ((plan + i) & ((1 << lowBits) - 1)) * MOST_POSITIONS + position;
      int highAt = ((plan + i) >> lowBits) * MOST_POSITIONS + position;
      for (int j = 0; j < WIDTH; j += Lanes.COUNT) {
        FloatVector gain = FloatVector.fromArray(Lanes.SPECIES, tile, i * WIDTH + j);
        addProduct(gain, high, highAt + j, lowSums, lowAt + j);
        addProduct(gain, low, lowAt + j, highSums, highAt + j);
      }
    }
  }

  private static void addProduct(
      FloatVector gain, float[] factors, int factor, float[] sums, int sum) {
    FloatVector.fromArray(Lanes.SPECIES, factors, factor)
        .fma(gain, FloatVector.fromArray(Lanes.SPECIES, sums, sum))
        .intoArray(sums, sum);
  }

  private void storeSums(int first, int count, long target, int worker) {
    storeSums(first, count, target, 0, lowBits, LOW, LOW_SUMS, worker);
    storeSums(first, count, target, lowBits, bits, HIGH, HIGH_SUMS, worker);
  }

  /** The gradients of bits {@code from} to {@code to}. */
  private void storeSums(
      int first, int count, long target, int from, int to, int factors, int slot, int worker) {
    float[] sums = workers.array(slot, worker);
    int values = 1 << (to - from);
    multiply(sums, workers.array(factors, worker), values * MOST_POSITIONS);
    float[] row = workers.array(TILE, worker);
    for (int position = 0; position < count; position += Lanes.COUNT) {
      for (int h = from; h < to; h++) {
        sumRows(sums, position, values, h - from, 1, row, 0);
        sumRows(sums, position, values, h - from, 0, row, Lanes.COUNT);
        for (int i = 0; i < Math.min(Lanes.COUNT, count - position); i++) {
          long index = (long) (position + i) * bits + h;
          float logit = Memory.floatAt(logits, (long) first * bits + index);
          // b − p: 1 − p is σ(−logit), so that nothing cancels.
          float gradient = row[i] * sigmoid(-logit) - row[Lanes.COUNT + i] * sigmoid(logit);
          workers.shared().set(Memory.FLOAT, target + 4L * index, gradient);
        }
      }
    }
  }

  private static void multiply(float[] sums, float[] factors, int n) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector factor = FloatVector.fromArray(Lanes.SPECIES, factors, i);
      FloatVector.fromArray(Lanes.SPECIES, sums, i).mul(factor).intoArray(sums, i);
    }
  }

  /** row[to …) = at some positions, the sum over the values in which a bit is {@code set}. */
  private static void sumRows(
      float[] sums, int position, int values, int bit, int set, float[] row, int to) {
    FloatVector total = FloatVector.zero(Lanes.SPECIES);
    // By place, with the bit put between the others: behind a condition, totals were objects.
    int lower = (1 << bit) - 1;
    for (int others = 0; others < values / 2; others++) {
      int value = others + (others & ~lower) + (set << bit);
      total =
          total.add(FloatVector.fromArray(Lanes.SPECIES, sums, value * MOST_POSITIONS + position));
    }
    total.intoArray(row, to);
  }

  private void addParts(int chunk, int worker) {
    MemorySegment sums = workers.shared();
    int from = chunk * MOST_POSITIONS * bits;
    int to = Math.min(positions, (chunk + 1) * MOST_POSITIONS) * bits;
    for (int i = from; i < to; i++) {
      float total = accumulate ? Memory.floatAt(dlogits, i) : 0;
      for (int part = 0; part < parts; part++) {
        total += Memory.floatAt(sums, (long) part * positions * bits + i);
      }
      dlogits.setAtIndex(Memory.FLOAT, i, total);
    }
  }
}
