package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * {@link Attention} for few queries, as in decoding: keys and values are read once, where they lie,
 * because packing them would cost more than the products. A task is one key head.
 */
final class DecodingAttention implements Kernel, ThreadTeam.Task {
  private static final int MOST_ROWS = 4;
  private static final long VECTOR_BYTES = 4L * Lanes.COUNT;

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
  private final float scale;
  private final int batch;
  private final int queries;
  private final int keys;
  private final int heads;
  private final int keyHeads;
  private final int size;

  DecodingAttention(Instruction.Attention instruction, Workers workers) {
    this.workers = workers;
    q = HeadRows.of(instruction.q());
    k = HeadRows.of(instruction.k());
    v = HeadRows.of(instruction.v());
    out = HeadRows.of(instruction.out());
    lse = Memory.of(instruction.lse());
    scale = (float) instruction.rule().scale();
    batch = instruction.q().dim(0);
    queries = instruction.q().dim(1);
    heads = instruction.q().dim(2);
    size = instruction.q().dim(3);
    keys = instruction.k().dim(1);
    keyHeads = instruction.k().dim(2);
    mask = new KeyMask(instruction.rule(), queries, keys, workers.size());
    workers.requireArray(WEIGHTS, keys + Lanes.COUNT);
    workers.requireArray(FACTORS, keys);
    workers.requireArray(LANES, Lanes.COUNT * Lanes.COUNT);
    workers.requireArray(SUMS, Lanes.COUNT);
  }

  /** Whether so few queries read each key head that packing does not pay. */
  static boolean suits(Instruction.Attention instruction) {
    int keyHeads = instruction.k().dim(2);
    return keyHeads > 0
        && instruction.q().dim(1) * (instruction.q().dim(2) / keyHeads) <= MOST_ROWS;
  }

  @Override
  public void run() {
    mask.refresh();
    long products = (long) batch * heads * queries * keys * size;
    workers.run(batch * keyHeads, products / 4, this);
  }

  @Override
  public void run(int task, int worker) {
    int b = task / keyHeads;
    int keyHead = task % keyHeads;
    int group = heads / keyHeads;
    for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
      for (int t = 0; t < queries; t++) {
        attend(b, t, head, keyHead, worker);
      }
    }
  }

  private void attend(int b, int t, int head, int keyHead, int worker) {
    float[] weights = workers.array(WEIGHTS, worker);
    long query = ((long) b * heads + head) * queries + t;
    int seen = mask.visible(b, t);
    score(q.row(b, t, head), k.row(b, 0, keyHead), seen, worker);
    int padded = Attention.pad(weights, 0, seen);
    float max = Attention.max(weights, 0, padded);
    float sum = seen == 0 ? 0 : Attention.exponentials(weights, 0, padded, max);
    lse.setAtIndex(Memory.FLOAT, query, max + (float) Math.log(sum));
    if (mask.drops()) {
      float[] factors = workers.array(FACTORS, worker);
      mask.factors(query, 0, seen, factors, 0, 1, worker);
      for (int s = 0; s < seen; s++) {
        weights[s] *= factors[s];
      }
    }
    long values = v.row(b, 0, keyHead);
    long target = out.row(b, t, head);
    float factor = sum == 0 ? 0 : 1 / sum;
    int whole = Lanes.whole(size);
    int d = 0;
    for (; d <= whole - 4 * Lanes.COUNT; d += 4 * Lanes.COUNT) {
      addFour(weights, seen, values + 4L * d, target + 4L * d, factor);
    }
    for (; d < whole; d += Lanes.COUNT) {
      addValues(weights, seen, values + 4L * d, target + 4L * d, factor);
    }
    addRest(weights, seen, values + 4L * whole, target + 4L * whole, size - whole, factor);
  }

  private void score(long query, long firstKey, int seen, int worker) {
    float[] weights = workers.array(WEIGHTS, worker);
    float[] lanes = workers.array(LANES, worker);
    float[] sums = workers.array(SUMS, worker);
    for (int s = 0; s < seen; s += Lanes.COUNT) {
      int count = Math.min(Lanes.COUNT, seen - s);
      long key = firstKey + s * k.timeStride();
      int i = 0;
      for (; i <= count - 4; i += 4) {
        dotFour(query, key + i * k.timeStride(), lanes, i * Lanes.COUNT);
      }
      for (; i < count; i++) {
        dot(query, key + i * k.timeStride(), lanes, i * Lanes.COUNT);
      }
      if (Lanes.whole(size) < size) {
        dotRest(query, key, count, lanes);
      }
      Arrays.fill(lanes, count * Lanes.COUNT, lanes.length, 0);
      LaneSums.add(lanes, Lanes.COUNT, sums);
      for (i = 0; i < count; i++) {
        weights[s + i] = sums[i] * scale;
      }
    }
  }

  /** q·k lane by lane; the lanes are added later, many keys at once. */
  private void dot(long query, long key, float[] lanes, int at) {
    MemorySegment queryMemory = q.memory();
    MemorySegment keyMemory = k.memory();
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    for (int i = 0; i < Lanes.whole(size); i += Lanes.COUNT) {
      FloatVector x = Lanes.load(queryMemory, query + 4L * i);
      sum = x.fma(Lanes.load(keyMemory, key + 4L * i), sum);
    }
    sum.intoArray(lanes, at);
  }

  /** Four keys at a time: a single sum would wait for each of its multiply-adds. */
  private void dotFour(long query, long key, float[] lanes, int at) {
    MemorySegment queryMemory = q.memory();
    MemorySegment keyMemory = k.memory();
    long stride = k.timeStride();
    FloatVector s0 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s1 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s2 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s3 = FloatVector.zero(Lanes.SPECIES);
    int whole = Lanes.whole(size);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector x = Lanes.load(queryMemory, query + 4L * i);
      long from = key + 4L * i;
      s0 = x.fma(Lanes.load(keyMemory, from), s0);
      s1 = x.fma(Lanes.load(keyMemory, from + stride), s1);
      s2 = x.fma(Lanes.load(keyMemory, from + 2 * stride), s2);
      s3 = x.fma(Lanes.load(keyMemory, from + 3 * stride), s3);
    }
    s0.intoArray(lanes, at);
    s1.intoArray(lanes, at + Lanes.COUNT);
    s2.intoArray(lanes, at + 2 * Lanes.COUNT);
    s3.intoArray(lanes, at + 3 * Lanes.COUNT);
  }

  /** What the head has beyond whole vectors, of so many keys. */
  private void dotRest(long query, long key, int count, float[] lanes) {
    for (int s = 0; s < count; s++) {
      int lane = s * Lanes.COUNT;
      long from = key + s * k.timeStride();
      for (int i = Lanes.whole(size); i < size; i++, lane++) {
        float x = q.memory().get(Memory.FLOAT, query + 4L * i);
        lanes[lane] = Math.fma(x, k.memory().get(Memory.FLOAT, from + 4L * i), lanes[lane]);
      }
    }
  }

  /** One vector's width of the output: all values weighted. */
  private void addValues(float[] weights, int seen, long values, long target, float factor) {
    MemorySegment memory = v.memory();
    long stride = v.timeStride();
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    for (int s = 0; s < seen; s++) {
      sum = Lanes.load(memory, values + s * stride).fma(Lanes.all(weights[s]), sum);
    }
    Lanes.store(sum.mul(factor), out.memory(), target);
  }

  /** The same, four vectors' width: values are read in runs of some cache lines. */
  private void addFour(float[] weights, int seen, long values, long target, float factor) {
    MemorySegment memory = v.memory();
    long stride = v.timeStride();
    FloatVector s0 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s1 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s2 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s3 = FloatVector.zero(Lanes.SPECIES);
    for (int s = 0; s < seen; s++) {
      long from = values + s * stride;
      FloatVector weight = Lanes.all(weights[s]);
      s0 = Lanes.load(memory, from).fma(weight, s0);
      s1 = Lanes.load(memory, from + VECTOR_BYTES).fma(weight, s1);
      s2 = Lanes.load(memory, from + 2 * VECTOR_BYTES).fma(weight, s2);
      s3 = Lanes.load(memory, from + 3 * VECTOR_BYTES).fma(weight, s3);
    }
    MemorySegment to = out.memory();
    Lanes.store(s0.mul(factor), to, target);
    Lanes.store(s1.mul(factor), to, target + VECTOR_BYTES);
    Lanes.store(s2.mul(factor), to, target + 2 * VECTOR_BYTES);
    Lanes.store(s3.mul(factor), to, target + 3 * VECTOR_BYTES);
  }

  /** What the head has beyond whole vectors. */
  private void addRest(
      float[] weights, int seen, long values, long target, int columns, float factor) {
    for (int d = 0; d < columns; d++) {
      float sum = 0;
      for (int s = 0; s < seen; s++) {
        float value = v.memory().get(Memory.FLOAT, values + s * v.timeStride() + 4L * d);
        sum = Math.fma(value, weights[s], sum);
      }
      out.memory().set(Memory.FLOAT, target + 4L * d, sum * factor);
    }
  }
}
