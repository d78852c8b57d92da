package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * {@link Attention} for few queries, as in decoding: keys and values are read once, where they lie,
 * because packing them would cost more than the products. A task is one key head.
 */
final class DecodingAttention implements Kernel, ThreadTeam.Task {
  private static final int MOST_ROWS = 4;

  private static final int PAIRS = DecodingKernel.PAIRS;

  // A worker's arrays.
  private static final int WEIGHTS = 0;
  private static final int LANES = 1;
  private static final int SUMS = 2;
  private static final int FACTORS = 3;

  private final Workers workers;
  private final HeadRows q;
  private final HeadRows k;
  private final HeadRows v;
  private final HeadRows out;
  private final MemorySegment lse;
  private final KeyMask mask;
  private final AttentionShape shape;
  private final float scale;
  private final int size;

  DecodingAttention(Instruction.Attention instruction, Workers workers) {
    this.workers = workers;
    q = HeadRows.of(instruction.q());
    k = HeadRows.of(instruction.k());
    v = HeadRows.of(instruction.v());
    out = HeadRows.of(instruction.out());
    lse = Memory.of(instruction.lse());
    shape = AttentionShape.of(instruction.q(), instruction.k());
    size = shape.size();
    scale = (float) instruction.rule().scale();
    mask = new KeyMask(instruction.rule(), shape.queries(), shape.keys());
    workers.requireArray(WEIGHTS, shape.keys() + Lanes.COUNT);
    workers.requireArray(FACTORS, shape.keys());
    workers.requireWords(mask.drops() ? RandomLoops.room(shape.keys()) : 0);
    workers.requireArray(LANES, 2 * PAIRS * Lanes.COUNT);
    workers.requireArray(SUMS, Math.max(2 * PAIRS, size));
  }

  /** Whether so few queries read each key head that packing does not pay. */
  static boolean suits(Instruction.Attention instruction) {
    AttentionShape shape = AttentionShape.of(instruction.q(), instruction.k());
    return shape.keyHeads() > 0 && shape.queries() * shape.group() <= MOST_ROWS;
  }

  @Override
  public void run() {
    mask.refresh();
    long seen = 0;
    for (int b = 0; b < shape.batch(); b++) {
      seen += mask.visible(b, shape.queries() - 1); // A cache has room for more than it holds.
    }
    long products = seen * shape.heads() * shape.queries() * size;
    workers.run(shape.batch() * shape.keyHeads(), products / 4, this);
  }

  @Override
  public void run(int task, int worker) {
    int b = task / shape.keyHeads();
    int keyHead = task % shape.keyHeads();
    int group = shape.group();
    for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
      for (int t = 0; t < shape.queries(); t++) {
        attend(b, t, head, keyHead, worker);
      }
    }
  }

  private void attend(int b, int t, int head, int keyHead, int worker) {
    float[] weights = workers.array(WEIGHTS, worker);
    long query = shape.queryNumber(b, head, t);
    int seen = mask.visible(b, t);
    score(q.row(b, t, head), k.row(b, 0, keyHead), seen, worker);
    int padded = Attention.pad(weights, 0, seen);
    float max = Attention.max(weights, 0, padded);
    float sum = seen == 0 ? 0 : Attention.exponentials(weights, 0, padded, max);
    lse.setAtIndex(Memory.FLOAT, query, max + (float) Math.log(sum));
    if (mask.drops()) {
      float[] factors = workers.array(FACTORS, worker);
      mask.factors(query, 0, seen, workers.words(worker), factors, 0, 1);
      for (int s = 0; s < seen; s++) {
        weights[s] *= factors[s];
      }
    }
    float[] sums = workers.array(SUMS, worker);
    add(weights, seen, v.row(b, 0, keyHead), sums);
    float factor = sum == 0 ? 0 : 1 / sum;
    Panels.putScaled(sums, 0, size, factor, out.memory(), out.row(b, t, head));
  }

  /** Keys of both halves in turn, so that memory comes in two streams. */
  private void score(long query, long firstKey, int seen, int worker) {
    float[] weights = workers.array(WEIGHTS, worker);
    if (size == 4 * Lanes.COUNT) {
      DecodingKernel.scoreFour(
          q.memory(), query, k.memory(), firstKey, k.timeStride(), seen, scale, weights);
      return;
    }
    int half = seen / 2;
    for (int s = 0; s < half; s += PAIRS) {
      score(query, firstKey, s, half + s, Math.min(PAIRS, half - s), weights, worker);
    }
    if (2 * half < seen) {
      score(query, firstKey, seen - 1, seen - 1, 1, weights, worker);
    }
  }

  private void score(
      long query, long firstKey, int s, int t, int count, float[] weights, int worker) {
    float[] lanes = workers.array(LANES, worker);
    float[] sums = workers.array(SUMS, worker);
    dot(query, firstKey + s * k.timeStride(), firstKey + t * k.timeStride(), count, lanes);
    LaneSums.add(lanes, 2 * PAIRS, sums);
    for (int i = 0; i < count; i++) {
      weights[s + i] = sums[i] * scale;
      weights[t + i] = sums[PAIRS + i] * scale;
    }
  }

  /** q·k of so many keys twice, lane by lane; the lanes are added up later, many keys at once. */
  private void dot(long query, long first, long second, int count, float[] lanes) {
    MemorySegment x = q.memory();
    MemorySegment y = k.memory();
    long stride = k.timeStride();
    int whole = Lanes.whole(size) - Lanes.whole(size) % (8 * Lanes.COUNT);
    for (int d = 0; d < whole; d += 8 * Lanes.COUNT) {
      long at = 4L * d;
      DecodingKernel.dotEight(
          x, query + at, y, first + at, second + at, stride, count, lanes, d > 0);
    }
    if (whole < size) {
      dotRest(query, first, count, whole, lanes, 0);
      dotRest(query, second, count, whole, lanes, PAIRS * Lanes.COUNT);
    }
  }

  /** What the head has from {@code begin} on, of so many keys. */
  private void dotRest(long query, long key, int count, int begin, float[] lanes, int to) {
    MemorySegment x = q.memory();
    MemorySegment y = k.memory();
    long stride = k.timeStride();
    int whole = Lanes.whole(size);
    int d = begin;
    for (; d <= whole - 4 * Lanes.COUNT; d += 4 * Lanes.COUNT) {
      DecodingKernel.dotFour(x, query + 4L * d, y, key + 4L * d, stride, count, lanes, to, d > 0);
    }
    for (; d < whole; d += Lanes.COUNT) {
      DecodingKernel.dotOne(x, query + 4L * d, y, key + 4L * d, stride, count, lanes, to, d > 0);
    }
    if (whole == 0) {
      Arrays.fill(lanes, to, to + count * Lanes.COUNT, 0);
    }
    if (whole < size) {
      dotNumbers(query, key, count, lanes, to);
    }
  }

  /** What the head has beyond whole vectors, of so many keys. */
  private void dotNumbers(long query, long key, int count, float[] lanes, int to) {
    for (int s = 0; s < count; s++) {
      int lane = to + s * Lanes.COUNT;
      long from = key + s * k.timeStride();
      for (int i = Lanes.whole(size); i < size; i++, lane++) {
        float x = q.memory().get(Memory.FLOAT, query + 4L * i);
        lanes[lane] = Math.fma(x, k.memory().get(Memory.FLOAT, from + 4L * i), lanes[lane]);
      }
    }
  }

  private void add(float[] weights, int seen, long value, float[] sums) {
    MemorySegment y = v.memory();
    long stride = v.timeStride();
    int whole = Lanes.whole(size);
    int d = 0;
    for (; d <= whole - 8 * Lanes.COUNT; d += 8 * Lanes.COUNT) {
      DecodingKernel.addEight(weights, seen, y, value + 4L * d, stride, sums, d);
    }
    for (; d <= whole - 4 * Lanes.COUNT; d += 4 * Lanes.COUNT) {
      DecodingKernel.addFour(weights, seen, y, value + 4L * d, stride, sums, d);
    }
    for (; d < whole; d += Lanes.COUNT) {
      DecodingKernel.addOne(weights, seen, y, value + 4L * d, stride, sums, d);
    }
    for (; d < size; d++) {
      sums[d] = addNumbers(weights, seen, value + 4L * d);
    }
  }

  private float addNumbers(float[] weights, int seen, long value) {
    float sum = 0;
    for (int s = 0; s < seen; s++) {
      sum = Math.fma(v.memory().get(Memory.FLOAT, value + s * v.timeStride()), weights[s], sum);
    }
    return sum;
  }
}
