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
    workers.requireSegment(turned + Panels.panelBytes(roundUp(size)));
    workers.requireArray(KEY_ROWS, TILE_ROWS * STRIDE + Lanes.COUNT);
    workers.requireArray(VALUE_ROWS, TILE_ROWS * STRIDE);
    workers.requireArray(SCORES, TILE_ROWS * WIDTH);
    workers.requireArray(SLOPES, TILE_ROWS * WIDTH);
    workers.requireArray(WEIGHTS, TILE_ROWS * STRIDE);
    workers.requireArray(SCORE_GRADIENTS, TILE_ROWS * STRIDE);
    workers.requireArray(FACTORS, TILE_ROWS * WIDTH);
    workers.requireArray(STATE, 3 * QUERY_BLOCK);
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
    boolean fresh = true;
    for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
      for (int t = 0; t < queries; t += QUERY_BLOCK) {
        int count = Math.min(QUERY_BLOCK, queries - t);
        runQueries(b, head, keyHead, t, count, fresh, worker);
        fresh = false;
      }
    }
    if (fresh) {
      clear(b, keyHead, 0, keys);
    }
  }

  /** Gradients of keys that no query sees, where they replace what is there. */
  private void clear(int b, int keyHead, int from, int to) {
    for (int s = from; s < to; s++) {
      if (dk != null && !addK) {
        Panels.clearRow(dk.memory(), dk.row(b, s, keyHead), size);
      }
      if (dv != null && !addV) {
        Panels.clearRow(dv.memory(), dv.row(b, s, keyHead), size);
      }
    }
  }

  /** A block of queries; {@code fresh} if it is the first to reach the gradients of these keys. */
  private void runQueries(
      int b, int head, int keyHead, int t, int count, boolean fresh, int worker) {
    packQueries(b, head, t, count, worker);
    loadState(b, head, t, count, workers.array(STATE, worker));
    MemorySegment memory = workers.segment(worker);
    long gradientBytes = Panels.bytes(roundUp(size), count);
    memory.asSlice(queryGradients, gradientBytes).fill((byte) 0);
    int seen = mask.visible(b, t + count - 1);
    if (fresh) {
      clear(b, keyHead, seen, keys);
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
    MemorySegment to = workers.segment(worker);
    long start = q.row(b, t, head);
    Panels.packTransposed(
        q.memory(), start, q.timeStride(), count, size, to, queryColumns, workers.blocks(worker));
    Panels.packRows(q.memory(), start, q.timeStride(), count, size, to, queryRows);
    start = dout.row(b, t, head);
    Panels.packTransposed(
        dout.memory(),
        start,
        dout.timeStride(),
        count,
        size,
        to,
        gradientColumns,
        workers.blocks(worker));
    Panels.packRows(dout.memory(), start, dout.timeStride(), count, size, to, gradientRows);
  }

  private void loadState(int b, int head, int t, int count, float[] state) {
    long first = ((long) b * heads + head) * queries + t;
    for (int i = 0; i < count; i++) {
      state[LSE + i] = Memory.floatAt(lse, first + i);
      state[DELTA + i] = dot(out.row(b, t + i, head), dout.row(b, t + i, head));
      state[SEEN + i] = mask.visible(b, t + i);
    }
    // Queries that pad the last panel see nothing.
    Arrays.fill(state, SEEN + count, SEEN + QUERY_BLOCK, 0);
  }

  private float dot(long x, long y) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    for (int i = 0; i < size; i += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.mask(i, size);
      FloatVector a = Lanes.load(out.memory(), x + 4L * i, lanes);
      sum = a.fma(Lanes.load(dout.memory(), y + 4L * i, lanes), sum);
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
      Panels.copyRow(k.memory(), k.row(b, key + i + j, keyHead), size, 1, keyRows, j * STRIDE);
      Panels.copyRow(v.memory(), v.row(b, key + i + j, keyHead), size, 1, valueRows, j * STRIDE);
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
    boolean replaceK = fresh && !addK;
    boolean replaceV = fresh && !addV;
    int start = key + i;
    addRows(dv, replaceV, WEIGHTS, gradientRows, b, keyHead, start, rows, first, count, worker);
    addRows(
        dk, replaceK, SCORE_GRADIENTS, queryRows, b, keyHead, start, rows, first, count, worker);
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
      @Nullable HeadRows target,
      boolean replace,
      int slot,
      long panels,
      int b,
      int keyHead,
      int key,
      int rows,
      int first,
      int count,
      int worker) {
    if (target == null) {
      return;
    }
    float[] tile = workers.array(SCORES, worker);
    for (int d = 0; d < size; d += WIDTH) {
      long at = panels + d / WIDTH * Panels.panelBytes(count) + first * Panels.ROW_BYTES;
      Panels.multiply(
          workers.array(slot, worker), workers.segment(worker), at, count - first, rows, tile);
      for (int i = 0; i < rows; i++) {
        long to = target.row(b, key + i, keyHead) + 4L * d;
        Panels.putTileRow(
            tile, i * WIDTH, Math.min(WIDTH, size - d), !replace, target.memory(), to);
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
        Panels.copyColumn(
            k.memory(), k.row(b, key + s, keyHead) + 4L * d, rows, columns, s * TILE_ROWS);
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
        Panels.putRow(memory, turned + i * rowBytes, size, addQ, target.memory(), to);
      }
    }
  }
}
