package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/**
 * Gradients of {@link Attention}, recomputing weights from the saved logarithms of sums. A task is
 * one key head with all queries that read it, so that no two tasks write to the same place.
 *
 * <p>Everything is computed transposed, keys down and queries across: with rows of K (or V) on the
 * left and packed queries (or gradients) on the right, a tile of weights comes out in the very form
 * that the products for dk and dv want on the left, and the one for dq (transposed, too) on the
 * right.
 *
 * <p>With weights p, dropout factors m and {@code dp = m·(dout·v)}: {@code dv = Σ m·p·dout}, {@code
 * ds = scale·p·(dp − Σ out·dout)}, {@code dk = Σ ds·q}, {@code dq = Σ ds·k}.
 *
 * <p>Operands of 16 bits are widened on the way: keys and values once a task, queries once a block.
 * Gradients of 16 bits are summed up in f32 and rounded once.
 */
final class AttentionBackward implements Kernel, ThreadTeam.Task {
  private static final int TILE_ROWS = GemmKernel.ROWS;
  private static final int WIDTH = Panels.WIDTH;
  private static final int STRIDE = GemmKernel.A_STRIDE;
  private static final int QUERY_BLOCK = 256;
  private static final int KEY_BLOCK = 8 * TILE_ROWS;

  // A worker's arrays.
  private static final int KEY_ROWS = 0;
  private static final int VALUE_ROWS = 1;
  private static final int SCORES = 2;
  private static final int SLOPES = 3;
  private static final int WEIGHTS = 4;
  private static final int SCORE_GRADIENTS = 5;
  private static final int STATE = 6;
  private static final int FACTORS = 7;

  // Parts of the state: what belongs to each query of a block.
  private static final int LSE = 0;
  private static final int DELTA = QUERY_BLOCK;
  private static final int SEEN = 2 * QUERY_BLOCK;

  private final Workers workers;
  private final HeadRows q;
  private final HeadRows k;
  private final HeadRows v;
  private final HeadRows out;
  private final HeadRows dout;
  private final @Nullable HeadRows dq;
  private final @Nullable HeadRows dk;
  private final @Nullable HeadRows dv;
  private final boolean addQ;
  private final boolean addK;
  private final boolean addV;
  private final MemorySegment lse;
  private final KeyMask mask;
  private final float scale;
  private final int batch;
  private final int queries;
  private final int keys;
  private final int heads;
  private final int keyHeads;
  private final int group;
  private final int size;

  // Where a worker's packed operands lie in its memory.
  private final long queryColumns;
  private final long gradientColumns;
  private final long queryRows;
  private final long gradientRows;
  private final long scoreGradients;
  private final long queryGradients;
  private final long turned;

  // The same for operands of 16 bits: their f32 rows, one right after the other.
  private final long wideBlock;
  private final long wideKeys;
  private final long wideValues;
  private final long keySums;
  private final long valueSums;

  AttentionBackward(Instruction.AttentionBackward instruction, Workers workers) {
    this.workers = workers;
    q = HeadRows.of(instruction.q());
    k = HeadRows.of(instruction.k());
    v = HeadRows.of(instruction.v());
    out = HeadRows.of(instruction.out());
    dout = HeadRows.of(instruction.dout());
    dq = rows(instruction.dq());
    dk = rows(instruction.dk());
    dv = rows(instruction.dv());
    addQ = adds(instruction.dq());
    addK = adds(instruction.dk());
    addV = adds(instruction.dv());
    lse = Memory.of(instruction.lse());
    scale = (float) instruction.rule().scale();
    batch = instruction.q().dim(0);
    queries = instruction.q().dim(1);
    heads = instruction.q().dim(2);
    size = instruction.q().dim(3);
    keys = instruction.k().dim(1);
    keyHeads = instruction.k().dim(2);
    group = keyHeads == 0 ? 0 : heads / keyHeads;
    mask = new KeyMask(instruction.rule(), queries, keys, workers.size());
    int block = Math.min(queries, QUERY_BLOCK);
    queryColumns = 0;
    gradientColumns = queryColumns + Panels.bytes(size, block);
    queryRows = gradientColumns + Panels.bytes(size, block);
    gradientRows = queryRows + Panels.bytes(block, size);
    scoreGradients = gradientRows + Panels.bytes(block, size);
    queryGradients = scoreGradients + Panels.bytes(KEY_BLOCK, block);
    turned = queryGradients + Panels.bytes(roundUp(size), block);
    wideBlock = turned + Panels.panelBytes(roundUp(size));
    wideKeys = wideBlock + 4L * size * (block + 1);
    wideValues = wideKeys + wideBytes(k);
    keySums = wideValues + wideBytes(v);
    valueSums = keySums + wideBytes(dk);
    workers.requireSegment(valueSums + wideBytes(dv) + 4L * Lanes.COUNT);
    workers.requireArray(KEY_ROWS, TILE_ROWS * STRIDE + Lanes.COUNT);
    workers.requireArray(VALUE_ROWS, TILE_ROWS * STRIDE);
    workers.requireArray(SCORES, TILE_ROWS * WIDTH);
    workers.requireArray(SLOPES, TILE_ROWS * WIDTH);
    workers.requireArray(WEIGHTS, TILE_ROWS * STRIDE);
    workers.requireArray(SCORE_GRADIENTS, TILE_ROWS * STRIDE);
    workers.requireArray(FACTORS, TILE_ROWS * WIDTH);
    workers.requireArray(STATE, 3 * QUERY_BLOCK);
  }

  /** Room for all keys' rows of one head, where they are of 16 bits. */
  private long wideBytes(@Nullable HeadRows rows) {
    return isHalf(rows) ? 4L * keys * size : 0;
  }

  private static boolean isHalf(@Nullable HeadRows rows) {
    return rows != null && rows.isHalf();
  }

  private static @Nullable HeadRows rows(@Nullable Output output) {
    return output == null ? null : HeadRows.of(output.buffer());
  }

  private static boolean adds(@Nullable Output output) {
    return output != null && output.accumulate();
  }

  private static int roundUp(int n) {
    return Math.ceilDiv(n, Lanes.COUNT) * Lanes.COUNT;
  }

  @Override
  public void run() {
    mask.refresh();
    long scores = (long) batch * heads * queries * keys;
    workers.run(batch * keyHeads, scores * size / 4, this);
  }

  @Override
  public void run(int task, int worker) {
    int b = task / keyHeads;
    int keyHead = task % keyHeads;
    widenKeys(b, keyHead, workers.segment(worker));
    boolean fresh = true;
    for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
      for (int t = 0; t < queries; t += QUERY_BLOCK) {
        int count = Math.min(QUERY_BLOCK, queries - t);
        runQueries(b, head, keyHead, t, count, fresh, worker);
        fresh = false;
      }
    }
    if (fresh) {
      clear(b, keyHead, 0, keys, worker);
    }
    roundSums(dk, addK, keySums, b, keyHead, worker);
    roundSums(dv, addV, valueSums, b, keyHead, worker);
  }

  private void widenKeys(int b, int keyHead, MemorySegment to) {
    if (k.isHalf()) {
      k.widen(k.row(b, 0, keyHead), keys, size, to, wideKeys);
    }
    if (v.isHalf()) {
      v.widen(v.row(b, 0, keyHead), keys, size, to, wideValues);
    }
  }

  /** Where rows of f32 are for keys or values: theirs, or what they were widened to. */
  private MemorySegment memory(HeadRows rows, int worker) {
    return rows.isHalf() ? workers.segment(worker) : rows.memory();
  }

  private long row(HeadRows rows, long wide, int b, int s, int keyHead) {
    return rows.isHalf() ? wide + 4L * s * size : rows.row(b, s, keyHead);
  }

  private void roundSums(
      @Nullable HeadRows target, boolean add, long sums, int b, int keyHead, int worker) {
    if (target != null && target.isHalf()) {
      for (int s = 0; s < keys; s++) {
        long to = target.row(b, s, keyHead);
        long from = sums + 4L * s * size;
        Halves.put(workers.segment(worker), from, size, add, target.type(), target.memory(), to);
      }
    }
  }

  /** Gradients of keys that no query sees, where they replace what is there. */
  private void clear(int b, int keyHead, int from, int to, int worker) {
    for (int s = from; s < to; s++) {
      if (dk != null && (dk.isHalf() || !addK)) {
        Panels.clearRow(memory(dk, worker), row(dk, keySums, b, s, keyHead), size);
      }
      if (dv != null && (dv.isHalf() || !addV)) {
        Panels.clearRow(memory(dv, worker), row(dv, valueSums, b, s, keyHead), size);
      }
    }
  }

  /** A block of queries; {@code fresh} if it is the first to reach the gradients of these keys. */
  private void runQueries(
      int b, int head, int keyHead, int t, int count, boolean fresh, int worker) {
    packQueries(b, head, t, count, worker);
    loadState(b, head, t, count, worker);
    MemorySegment memory = workers.segment(worker);
    long gradientBytes = Panels.bytes(roundUp(size), count);
    memory.asSlice(queryGradients, gradientBytes).fill((byte) 0);
    int seen = mask.visible(b, t + count - 1);
    if (fresh) {
      clear(b, keyHead, seen, keys, worker);
    }
    for (int key = 0; key < seen; key += KEY_BLOCK) {
      int keyCount = Math.min(KEY_BLOCK, seen - key);
      for (int i = 0; i < keyCount; i += TILE_ROWS) {
        int rows = Math.min(TILE_ROWS, keyCount - i);
        runKeys(b, head, keyHead, t, count, key, i, rows, fresh, worker);
      }
      if (dq != null) {
        addQueryGradients(b, keyHead, key, keyCount, count, worker);
      }
    }
    if (dq != null) {
      storeQueryGradients(dq, b, head, t, count, worker);
    }
  }

  private void packQueries(int b, int head, int t, int count, int worker) {
    pack(q, q.row(b, t, head), count, queryColumns, queryRows, worker);
    pack(dout, dout.row(b, t, head), count, gradientColumns, gradientRows, worker);
  }

  private void pack(HeadRows from, long first, int count, long columns, long rows, int worker) {
    MemorySegment to = workers.segment(worker);
    MemorySegment memory = from.memory();
    long start = first;
    long stride = from.timeStride();
    if (from.isHalf()) {
      from.widen(first, count, size, to, wideBlock);
      memory = to;
      start = wideBlock;
      stride = 4L * size;
    }
    Panels.packTransposed(memory, start, stride, count, size, to, columns, workers.blocks(worker));
    Panels.packRows(memory, start, stride, count, size, to, rows);
  }

  private void loadState(int b, int head, int t, int count, int worker) {
    float[] state = workers.array(STATE, worker);
    long first = ((long) b * heads + head) * queries + t;
    for (int i = 0; i < count; i++) {
      state[LSE + i] = Memory.floatAt(lse, first + i);
      state[DELTA + i] = dot(out.row(b, t + i, head), dout.row(b, t + i, head), worker);
      state[SEEN + i] = mask.visible(b, t + i);
    }
    // Queries that pad the last panel see nothing.
    Arrays.fill(state, SEEN + count, SEEN + QUERY_BLOCK, 0);
  }

  private float dot(long x, long y, int worker) {
    MemorySegment wide = workers.segment(worker);
    if (out.isHalf()) {
      Halves.widen(out.type(), out.memory(), x, size, wide, wideBlock);
    }
    long second = wideBlock + 4L * size;
    if (dout.isHalf()) {
      Halves.widen(dout.type(), dout.memory(), y, size, wide, second);
    }
    return dot(
        out.isHalf() ? wide : out.memory(),
        out.isHalf() ? wideBlock : x,
        dout.isHalf() ? wide : dout.memory(),
        dout.isHalf() ? second : y);
  }

  private float dot(MemorySegment left, long x, MemorySegment right, long y) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    int i = 0;
    for (; i < Lanes.whole(size); i += Lanes.COUNT) {
      sum = Lanes.load(left, x + 4L * i).fma(Lanes.load(right, y + 4L * i), sum);
    }
    if (i < size) {
      VectorMask<Float> lanes = Lanes.mask(i, size);
      FloatVector a = Lanes.load(left, x + 4L * i, lanes);
      sum = a.fma(Lanes.load(right, y + 4L * i, lanes), sum);
    }
    return Lanes.sum(sum);
  }

  /** A tile's height of keys, from {@code key + i} on, against all queries of the block. */
  private void runKeys(
      int b,
      int head,
      int keyHead,
      int t,
      int count,
      int key,
      int i,
      int rows,
      boolean fresh,
      int worker) {
    float[] state = workers.array(STATE, worker);
    MemorySegment memory = workers.segment(worker);
    int first = 0;
    // Later queries see more: those that see none of these keys come first. Some see the first key.
    while (lastSeen(state, first, count) <= key + i) {
      long at = scoreGradientsAt(first, i);
      memory.asSlice(at, rows * Panels.ROW_BYTES).fill((byte) 0);
      first += WIDTH;
    }
    float[] keyRows = workers.array(KEY_ROWS, worker);
    float[] valueRows = workers.array(VALUE_ROWS, worker);
    for (int j = 0; j < rows; j++) {
      long keyRow = row(k, wideKeys, b, key + i + j, keyHead);
      long valueRow = row(v, wideValues, b, key + i + j, keyHead);
      Panels.copyRow(memory(k, worker), keyRow, size, 1, keyRows, j * STRIDE);
      Panels.copyRow(memory(v, worker), valueRow, size, 1, valueRows, j * STRIDE);
    }
    float[] scores = workers.array(SCORES, worker);
    float[] slopes = workers.array(SLOPES, worker);
    for (int panel = first; panel < count; panel += WIDTH) {
      long columns = panel / WIDTH * Panels.panelBytes(size);
      Panels.multiply(keyRows, memory, queryColumns + columns, size, rows, scores);
      Panels.multiply(valueRows, memory, gradientColumns + columns, size, rows, slopes);
      long query = ((long) b * heads + head) * queries + t + panel;
      weigh(query, panel, first, Math.min(WIDTH, count - panel), key, i, rows, worker);
    }
    int start = key + i;
    if (dv != null) {
      boolean replace = fresh && (dv.isHalf() || !addV);
      long to = row(dv, valueSums, b, start, keyHead);
      addRows(dv, to, replace, WEIGHTS, gradientRows, rows, first, count, worker);
    }
    if (dk != null) {
      boolean replace = fresh && (dk.isHalf() || !addK);
      long to = row(dk, keySums, b, start, keyHead);
      addRows(dk, to, replace, SCORE_GRADIENTS, queryRows, rows, first, count, worker);
    }
  }

  /** How many keys are seen by the last query of the panel that begins at {@code first}. */
  private static float lastSeen(float[] state, int first, int count) {
    return state[SEEN + Math.min(count, first + WIDTH) - 1];
  }

  private long scoreGradientsAt(int query, int key) {
    return scoreGradients + query / WIDTH * Panels.panelBytes(KEY_BLOCK) + key * Panels.ROW_BYTES;
  }

  /**
   * A tile of scores and of slopes becomes weights and gradients of scores, where they are read.
   */
  private void weigh(
      long query, int panel, int first, int count, int key, int i, int rows, int worker) {
    float[] state = workers.array(STATE, worker);
    float[] scores = workers.array(SCORES, worker);
    float[] slopes = workers.array(SLOPES, worker);
    float[] factors = workers.array(FACTORS, worker);
    if (mask.drops()) {
      for (int j = 0; j < count; j++) {
        mask.factors(query + j, key + i, rows, factors, j, WIDTH, worker);
      }
      multiply(slopes, factors, rows * WIDTH);
    }
    probabilities(scores, rows, state, panel, key + i, scale);
    float[] gradients = workers.array(SCORE_GRADIENTS, worker);
    gradients(scores, slopes, rows, state, panel, scale);
    MemorySegment memory = workers.segment(worker);
    spread(slopes, rows, gradients, panel - first, memory, scoreGradientsAt(panel, i));
    if (mask.drops()) {
      multiply(scores, factors, rows * WIDTH);
    }
    spread(scores, rows, workers.array(WEIGHTS, worker), panel - first);
  }

  /** Scores become weights; 0 for queries that do not see the key. */
  static void probabilities(
      float[] scores, int rows, float[] state, int query, int key, float scale) {
    FloatVector factor = Lanes.all(scale);
    FloatVector zero = FloatVector.zero(Lanes.SPECIES);
    for (int i = 0; i < rows * WIDTH; i += Lanes.COUNT) {
      int column = query + i % WIDTH;
      FloatVector logSum = FloatVector.fromArray(Lanes.SPECIES, state, LSE + column);
      FloatVector seen = FloatVector.fromArray(Lanes.SPECIES, state, SEEN + column);
      FloatVector score = FloatVector.fromArray(Lanes.SPECIES, scores, i);
      FloatVector p = VectorMath.expOfNegative(score.mul(factor).sub(logSum));
      p.blend(zero, seen.compare(LT, Lanes.all(key + i / WIDTH + 0.5f))).intoArray(scores, i);
    }
  }

  /** Slopes become {@code scale·p·(dp − delta)}; 0 where p is, whatever dp may be there. */
  static void gradients(
      float[] weights, float[] slopes, int rows, float[] state, int query, float scale) {
    FloatVector zero = FloatVector.zero(Lanes.SPECIES);
    for (int i = 0; i < rows * WIDTH; i += Lanes.COUNT) {
      FloatVector p = FloatVector.fromArray(Lanes.SPECIES, weights, i);
      FloatVector delta = FloatVector.fromArray(Lanes.SPECIES, state, DELTA + query + i % WIDTH);
      FloatVector slope = FloatVector.fromArray(Lanes.SPECIES, slopes, i).sub(delta);
      slope.mul(p).mul(scale).blend(zero, p.compare(EQ, zero)).intoArray(slopes, i);
    }
  }

  private static void multiply(float[] tile, float[] factors, int n) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector factor = FloatVector.fromArray(Lanes.SPECIES, factors, i);
      FloatVector.fromArray(Lanes.SPECIES, tile, i).mul(factor).intoArray(tile, i);
    }
  }

  /** Copies a tile to the left side of a product. */
  private static void spread(float[] tile, int rows, float[] to, int column) {
    for (int i = 0; i < rows * WIDTH; i += Lanes.COUNT) {
      FloatVector x = FloatVector.fromArray(Lanes.SPECIES, tile, i);
      x.intoArray(to, i / WIDTH * STRIDE + column + i % WIDTH);
    }
  }

  /** Copies a tile to the left side of a product, and to a panel for the right side of another. */
  private static void spread(
      float[] tile, int rows, float[] to, int column, MemorySegment memory, long at) {
    for (int i = 0; i < rows * WIDTH; i += Lanes.COUNT) {
      FloatVector x = FloatVector.fromArray(Lanes.SPECIES, tile, i);
      x.intoArray(to, i / WIDTH * STRIDE + column + i % WIDTH);
      Lanes.store(x, memory, at + 4L * i);
    }
  }

  /** Adds, or puts, a tile's rows of the gradient of keys or values: weights times packed rows. */
  private void addRows(
      HeadRows target,
      long start,
      boolean replace,
      int slot,
      long panels,
      int rows,
      int first,
      int count,
      int worker) {
    MemorySegment memory = memory(target, worker);
    long stride = target.isHalf() ? 4L * size : target.timeStride();
    float[] tile = workers.array(SCORES, worker);
    for (int d = 0; d < size; d += WIDTH) {
      long at = panels + d / WIDTH * Panels.panelBytes(count) + first * Panels.ROW_BYTES;
      Panels.multiply(
          workers.array(slot, worker), workers.segment(worker), at, count - first, rows, tile);
      for (int i = 0; i < rows; i++) {
        long to = start + i * stride + 4L * d;
        Panels.putTileRow(tile, i * WIDTH, Math.min(WIDTH, size - d), !replace, memory, to);
      }
    }
  }

  /** dqᵀ [Dh, queries] += kᵀ · ds, panel by panel. */
  private void addQueryGradients(int b, int keyHead, int key, int keyCount, int count, int worker) {
    float[] state = workers.array(STATE, worker);
    float[] columns = workers.array(KEY_ROWS, worker);
    float[] tile = workers.array(SCORES, worker);
    MemorySegment memory = workers.segment(worker);
    for (int d = 0; d < size; d += TILE_ROWS) {
      int rows = Math.min(TILE_ROWS, size - d);
      for (int s = 0; s < keyCount; s++) {
        long from = row(k, wideKeys, b, key + s, keyHead) + 4L * d;
        Panels.copyColumn(memory(k, worker), from, rows, columns, s * TILE_ROWS);
      }
      for (int panel = 0; panel < count; panel += WIDTH) {
        if (lastSeen(state, panel, count) <= key) {
          continue;
        }
        Panels.multiplyColumns(columns, memory, scoreGradientsAt(panel, 0), keyCount, rows, tile);
        long target = queryGradientsAt(panel, d);
        for (int i = 0; i < rows; i++) {
          Panels.putTileRow(tile, i * WIDTH, WIDTH, true, memory, target + i * Panels.ROW_BYTES);
        }
      }
    }
  }

  private long queryGradientsAt(int query, int d) {
    return queryGradients
        + query / WIDTH * Panels.panelBytes(roundUp(size))
        + d * Panels.ROW_BYTES
        + 4L * (query % WIDTH);
  }

  private void storeQueryGradients(HeadRows target, int b, int head, int t, int count, int worker) {
    MemorySegment memory = workers.segment(worker);
    long rowBytes = 4L * roundUp(size);
    for (int query = 0; query < count; query += Lanes.COUNT) {
      for (int d = 0; d < size; d += Lanes.COUNT) {
        Transposer.transpose(
            memory,
            queryGradientsAt(query, d),
            Panels.ROW_BYTES,
            Lanes.COUNT,
            memory,
            turned + 4L * d,
            rowBytes,
            workers.blocks(worker));
      }
      for (int i = 0; i < Math.min(Lanes.COUNT, count - query); i++) {
        long to = target.row(b, t + query + i, head);
        long from = turned + i * rowBytes;
        if (target.isHalf()) {
          Halves.put(memory, from, size, addQ, target.type(), target.memory(), to);
        } else {
          Panels.putRow(memory, from, size, addQ, target.memory(), to);
        }
      }
    }
  }
}
