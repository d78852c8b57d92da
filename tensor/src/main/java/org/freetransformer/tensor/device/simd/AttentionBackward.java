package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.ScoreGradients.DELTA;
import static org.freetransformer.tensor.device.simd.ScoreGradients.LSE;
import static org.freetransformer.tensor.device.simd.ScoreGradients.QUERY_BLOCK;
import static org.freetransformer.tensor.device.simd.ScoreGradients.SEEN;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/**
 * Gradients of {@link Attention}, recomputing weights from the saved logarithms of sums. A task is
 * one key head with all queries that read it, so that no two tasks write to the same place.
 *
 * <p>Weights are computed transposed, keys down and queries across: with rows of K (or V) on the
 * left and packed queries (or gradients) on the right, a tile of weights comes out in the very form
 * that the products for dk and dv want on the left. For dq some rows are turned into columns.
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
  private static final int KEY_BLOCK = 8 * TILE_ROWS;

  // A worker's arrays.
  private static final int KEY_ROWS = 0;
  private static final int VALUE_ROWS = 1;
  private static final int TILE = 2;
  private static final int QUERY_SUMS = 3;
  private static final int WEIGHTS = 4;
  private static final int SCORE_GRADIENTS = 5;
  private static final int STATE = 6;
  private static final int FACTORS = 7;
  private static final int PANELS = 8;
  private static final int TURNED = 9;

  private final Workers workers;
  private final WideRows q;
  private final WideRows k;
  private final WideRows v;
  private final WideRows dout;
  private final @Nullable HeadRows dq;
  private final boolean addQ;
  private final @Nullable KeyGradient dk;
  private final @Nullable KeyGradient dv;

  // For products of a row with another.
  private final WideRows outRow;
  private final WideRows doutRow;

  private final MemorySegment lse;
  private final KeyMask mask;
  private final AttentionShape shape;
  private final float scale;
  private final int size;
  private final int paddedSize;

  // Where a worker's packed operands lie in its memory.
  private final long queryColumns;
  private final long gradientColumns;
  private final long queryRows;
  private final long gradientRows;
  private final long keyRows;
  private final long wideBlock;

  AttentionBackward(Instruction.AttentionBackward instruction, Workers workers) {
    this.workers = workers;
    lse = Memory.of(instruction.lse());
    shape = AttentionShape.of(instruction.q(), instruction.k());
    size = shape.size();
    scale = (float) instruction.rule().scale();
    mask = new KeyMask(instruction.rule(), shape.queries(), shape.keys());
    paddedSize = Panels.count(size) * WIDTH;
    int block = Math.min(shape.queries(), QUERY_BLOCK);
    queryColumns = 0;
    gradientColumns = queryColumns + Panels.bytes(Panels.depth(size), block);
    queryRows = gradientColumns + Panels.bytes(Panels.depth(size), block);
    gradientRows = queryRows + Panels.bytes(Panels.depth(block), size);
    keyRows = gradientRows + Panels.bytes(Panels.depth(block), size);
    wideBlock = keyRows + Panels.bytes(Panels.depth(KEY_BLOCK), size);
    q = wide(instruction.q(), wideBlock);
    dout = wide(instruction.dout(), wideBlock);
    outRow = wide(instruction.out(), wideBlock);
    doutRow = wide(instruction.dout(), wideBlock + 4L * size);
    long wideKeys = wideBlock + 4L * size * (block + 1);
    k = wide(instruction.k(), wideKeys);
    long wideValues = wideKeys + WideRows.bytes(k.rows(), shape.keys(), size);
    v = wide(instruction.v(), wideValues);
    long keySums = wideValues + WideRows.bytes(v.rows(), shape.keys(), size);
    dk = gradient(instruction.dk(), keySums);
    long valueSums = keySums + wideBytes(dk);
    dv = gradient(instruction.dv(), valueSums);
    Output queryGradient = instruction.dq();
    dq = queryGradient == null ? null : HeadRows.of(queryGradient.buffer());
    addQ = queryGradient != null && queryGradient.accumulate();
    workers.requireSegment(valueSums + wideBytes(dv) + 4L * Lanes.COUNT);
    workers.requireArray(KEY_ROWS, TILE_ROWS * STRIDE + Lanes.COUNT);
    workers.requireArray(VALUE_ROWS, TILE_ROWS * STRIDE);
    workers.requireArray(TILE, TILE_ROWS * WIDTH);
    workers.requireArray(QUERY_SUMS, (block + TILE_ROWS) * paddedSize);
    workers.requireArray(WEIGHTS, TILE_ROWS * STRIDE);
    workers.requireArray(SCORE_GRADIENTS, KEY_BLOCK * STRIDE);
    workers.requireArray(FACTORS, mask.drops() ? KEY_BLOCK * STRIDE : 0);
    workers.requireWords(mask.drops() ? RandomLoops.room(KEY_BLOCK) : 0);
    workers.requireArray(PANELS, Panels.arrayElements(wideBlock));
    workers.requireArray(TURNED, ArrayTransposer.SCRATCH_ELEMENTS);
    workers.requireArray(STATE, 3 * QUERY_BLOCK);
  }

  private WideRows wide(Buffer buffer, long wide) {
    return new WideRows(HeadRows.of(buffer), wide, size);
  }

  private @Nullable KeyGradient gradient(@Nullable Output output, long sums) {
    return output == null ? null : KeyGradient.of(output, sums, size);
  }

  private long wideBytes(@Nullable KeyGradient gradient) {
    return gradient == null ? 0 : WideRows.bytes(gradient.rows().rows(), shape.keys(), size);
  }

  @Override
  public void run() {
    mask.refresh();
    workers.run(shape.batch() * shape.keyHeads(), shape.scores() * size / 4, this);
  }

  @Override
  public void run(int task, int worker) {
    int b = task / shape.keyHeads();
    int keyHead = task % shape.keyHeads();
    MemorySegment own = workers.segment(worker);
    k.widen(b, 0, keyHead, shape.keys(), own);
    v.widen(b, 0, keyHead, shape.keys(), own);
    boolean fresh = true;
    int group = shape.group();
    for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
      for (int t = 0; t < shape.queries(); t += QUERY_BLOCK) {
        int count = Math.min(QUERY_BLOCK, shape.queries() - t);
        runQueries(b, head, keyHead, t, count, fresh, worker);
        fresh = false;
      }
    }
    if (fresh) {
      clear(b, keyHead, 0, shape.keys(), own);
    }
    if (dk != null) {
      dk.round(b, keyHead, shape.keys(), own);
    }
    if (dv != null) {
      dv.round(b, keyHead, shape.keys(), own);
    }
  }

  /** Gradients of keys that no query sees, where they replace what is there. */
  private void clear(int b, int keyHead, int from, int to, MemorySegment own) {
    if (dk != null) {
      dk.clear(b, keyHead, from, to, own);
    }
    if (dv != null) {
      dv.clear(b, keyHead, from, to, own);
    }
  }

  /** A block of queries; {@code fresh} if it is the first to reach the gradients of these keys. */
  private void runQueries(
      int b, int head, int keyHead, int t, int count, boolean fresh, int worker) {
    packQueries(b, head, t, count, worker);
    loadState(b, head, t, count, worker);
    int seen = mask.visible(b, t + count - 1);
    if (fresh) {
      clear(b, keyHead, seen, shape.keys(), workers.segment(worker));
    }
    for (int key = 0; key < seen; key += KEY_BLOCK) {
      int keyCount = Math.min(KEY_BLOCK, seen - key);
      packKeys(b, keyHead, key, keyCount, worker);
      if (mask.drops()) {
        drawFactors(shape.queryNumber(b, head, t), count, key, keyCount, worker);
      }
      for (int i = 0; i < keyCount; i += TILE_ROWS) {
        int rows = Math.min(TILE_ROWS, keyCount - i);
        runKeys(b, keyHead, count, key, i, rows, fresh, worker);
      }
      if (dq != null) {
        addQueryGradients(key, keyCount, count, worker);
      }
    }
    if (dq != null) {
      if (seen == 0) {
        Arrays.fill(workers.array(QUERY_SUMS, worker), 0, count * paddedSize, 0);
      }
      storeQueryGradients(dq, b, head, t, count, worker);
    }
  }

  private void packQueries(int b, int head, int t, int count, int worker) {
    MemorySegment own = workers.segment(worker);
    long start = q.widen(b, t, head, count, own);
    pack(q, start, count, queryColumns, queryRows, worker);
    start = dout.widen(b, t, head, count, own);
    pack(dout, start, count, gradientColumns, gradientRows, worker);
  }

  private void pack(WideRows from, long start, int count, long columns, long rows, int worker) {
    MemorySegment to = workers.segment(worker);
    MemorySegment memory = from.memory(to);
    long stride = from.stride();
    float[] array = workers.array(PANELS, worker);
    float[] scratch = workers.array(TURNED, worker);
    MemorySegment blocks = workers.transposeRoom(worker);
    Panels.packTransposed(memory, start, stride, count, size, to, array, columns, blocks, scratch);
    Panels.packRows(memory, start, stride, count, size, to, array, rows, scratch);
  }

  private void packKeys(int b, int keyHead, int key, int count, int worker) {
    MemorySegment to = workers.segment(worker);
    float[] array = workers.array(PANELS, worker);
    float[] scratch = workers.array(TURNED, worker);
    long start = k.row(b, key, keyHead);
    Panels.packRows(k.memory(to), start, k.stride(), count, size, to, array, keyRows, scratch);
  }

  private void loadState(int b, int head, int t, int count, int worker) {
    float[] state = workers.array(STATE, worker);
    long first = shape.queryNumber(b, head, t);
    for (int i = 0; i < count; i++) {
      state[LSE + i] = Memory.floatAt(lse, first + i);
      state[DELTA + i] = dot(b, t + i, head, workers.segment(worker));
      state[SEEN + i] = mask.visible(b, t + i);
    }
    // Queries that pad the last panel see nothing; what they leave meets zeros, so it must be
    // finite.
    Arrays.fill(state, LSE + count, LSE + QUERY_BLOCK, 0);
    Arrays.fill(state, DELTA + count, DELTA + QUERY_BLOCK, 0);
    Arrays.fill(state, SEEN + count, SEEN + QUERY_BLOCK, 0);
  }

  /** A row of the result times its gradient. */
  private float dot(int b, int t, int head, MemorySegment own) {
    long x = outRow.widen(b, t, head, 1, own);
    long y = doutRow.widen(b, t, head, 1, own);
    return dot(outRow.memory(own), x, doutRow.memory(own), y);
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
      int b, int keyHead, int count, int key, int i, int rows, boolean fresh, int worker) {
    float[] state = workers.array(STATE, worker);
    int first = 0;
    // Later queries see more: those that see none of these keys come first. Some see the first key.
    while (lastSeen(state, first, count) <= key + i) {
      first += WIDTH;
    }
    loadKeys(b, keyHead, key + i, rows, worker);
    MemorySegment memory = workers.segment(worker);
    float[] array = workers.array(PANELS, worker);
    float[] keyTile = workers.array(KEY_ROWS, worker);
    float[] valueTile = workers.array(VALUE_ROWS, worker);
    float[] weights = workers.array(WEIGHTS, worker);
    float[] gradients = workers.array(SCORE_GRADIENTS, worker);
    float[] tile = workers.array(TILE, worker);
    int depth = Panels.depth(size);
    for (int panel = first; panel < count; panel += WIDTH) {
      long scores = queryColumns + panel / WIDTH * Panels.panelBytes(depth);
      long slopes = gradientColumns + panel / WIDTH * Panels.panelBytes(depth);
      int to = i * STRIDE + panel;
      Panels.multiplyInto(
          keyTile, 0, memory, array, scores, depth, rows, false, tile, weights, panel, STRIDE);
      Panels.multiplyInto(
          valueTile, 0, memory, array, slopes, depth, rows, false, tile, gradients, to, STRIDE);
    }
    weigh(first, count, key, i, rows, worker);
    int start = key + i;
    if (dv != null) {
      boolean replace = fresh && dv.replaces();
      long to = dv.rows().row(b, start, keyHead);
      addRows(dv.rows(), to, replace, weights, 0, gradientRows, rows, first, count, worker);
    }
    if (dk != null) {
      boolean replace = fresh && dk.replaces();
      long to = dk.rows().row(b, start, keyHead);
      addRows(dk.rows(), to, replace, gradients, i * STRIDE, queryRows, rows, first, count, worker);
    }
  }

  private void loadKeys(int b, int keyHead, int key, int rows, int worker) {
    float[] keyTile = workers.array(KEY_ROWS, worker);
    float[] valueTile = workers.array(VALUE_ROWS, worker);
    MemorySegment own = workers.segment(worker);
    for (int j = 0; j < rows; j++) {
      long keyRow = k.row(b, key + j, keyHead);
      long valueRow = v.row(b, key + j, keyHead);
      Panels.copyRow(k.memory(own), keyRow, size, 1, keyTile, j * STRIDE);
      Panels.copyRow(v.memory(own), valueRow, size, 1, valueTile, j * STRIDE);
    }
  }

  /** How many keys are seen by the last query of the panel that begins at {@code first}. */
  private static float lastSeen(float[] state, int first, int count) {
    return state[SEEN + Math.min(count, first + WIDTH) - 1];
  }

  /** Dropout's factors, key by key as the scores lie: 0 for queries that pad the last panel. */
  private void drawFactors(long query, int count, int key, int keyCount, int worker) {
    float[] factors = workers.array(FACTORS, worker);
    for (int j = 0; j < count; j++) {
      mask.factors(query + j, key, keyCount, workers.words(worker), factors, j, STRIDE);
    }
    int whole = Math.ceilDiv(count, WIDTH) * WIDTH;
    for (int i = 0; i < keyCount; i++) {
      Arrays.fill(factors, i * STRIDE + count, i * STRIDE + whole, 0);
    }
  }

  /** Rows of scores and of slopes become weights and gradients of scores, where they are. */
  private void weigh(int first, int count, int key, int i, int rows, int worker) {
    float[] state = workers.array(STATE, worker);
    float[] weights = workers.array(WEIGHTS, worker);
    float[] gradients = workers.array(SCORE_GRADIENTS, worker);
    float[] factors = workers.array(FACTORS, worker);
    int n = Math.ceilDiv(count - first, WIDTH) * WIDTH;
    for (int j = 0; j < rows; j++) {
      int row = j * STRIDE + first;
      int gradientRow = (i + j) * STRIDE + first;
      ScoreGradients.probabilities(weights, row, n, state, first, key + i + j, scale);
      if (mask.drops()) {
        ScoreGradients.multiply(gradients, gradientRow, factors, gradientRow, n);
      }
      ScoreGradients.gradients(weights, row, gradients, gradientRow, n, state, first, scale);
      if (mask.drops()) {
        ScoreGradients.multiply(weights, row, factors, gradientRow, n);
      }
      Arrays.fill(gradients, gradientRow - first, gradientRow, 0);
    }
  }

  /** Adds, or puts, a tile's rows of the gradient of keys or values: weights times packed rows. */
  private void addRows(
      WideRows target,
      long start,
      boolean replace,
      float[] weights,
      int from,
      long panels,
      int rows,
      int first,
      int count,
      int worker) {
    MemorySegment packed = workers.segment(worker);
    MemorySegment memory = target.memory(packed);
    float[] array = workers.array(PANELS, worker);
    float[] tile = workers.array(TILE, worker);
    long stride = target.stride();
    int panelRows = Panels.depth(count);
    int depth = panelRows - first;
    for (int d = 0; d < size; d += WIDTH) {
      long at = panels + d / WIDTH * Panels.panelBytes(panelRows) + first * Panels.ROW_BYTES;
      Panels.multiply(weights, from + first, packed, array, at, depth, rows, false, tile);
      int columns = Math.min(WIDTH, size - d);
      GemmKernel.store(tile, rows, columns, 1, !replace, memory, start + 4L * d, stride);
    }
  }

  /** dq += dsᵀ · k, for the keys of a block; the first sets it. */
  private void addQueryGradients(int key, int keyCount, int count, int worker) {
    float[] state = workers.array(STATE, worker);
    float[] sums = workers.array(QUERY_SUMS, worker);
    for (int query = 0; query < count; query += TILE_ROWS) {
      int rows = Math.min(TILE_ROWS, count - query);
      int depth = Math.min(keyCount, (int) state[SEEN + query + rows - 1] - key);
      if (depth > 0) {
        turn(query, depth, worker);
        addQueryTile(query, rows, depth, keyCount, key > 0, worker);
      } else if (key == 0) {
        Arrays.fill(sums, query * paddedSize, (query + rows) * paddedSize, 0);
      }
    }
  }

  /** Rows of gradients of scores, keys down, become columns for a tile of queries. */
  private void turn(int query, int depth, int worker) {
    float[] columns = workers.array(KEY_ROWS, worker);
    copyColumns(workers.array(SCORE_GRADIENTS, worker), query, depth, columns);
    Arrays.fill(columns, depth * TILE_ROWS, Panels.depth(depth) * TILE_ROWS, 0);
  }

  /** What a vector writes beyond its column, the next one overwrites. */
  private static void copyColumns(float[] rows, int start, int count, float[] columns) {
    for (int s = 0; s < count; s++) {
      for (int i = 0; i < TILE_ROWS; i += Lanes.COUNT) {
        FloatVector.fromArray(Lanes.SPECIES, rows, s * STRIDE + start + i)
            .intoArray(columns, s * TILE_ROWS + i);
      }
    }
  }

  private void addQueryTile(int query, int rows, int depth, int keyCount, boolean add, int worker) {
    MemorySegment memory = workers.segment(worker);
    float[] array = workers.array(PANELS, worker);
    float[] columns = workers.array(KEY_ROWS, worker);
    float[] tile = workers.array(TILE, worker);
    float[] sums = workers.array(QUERY_SUMS, worker);
    int steps = Panels.depth(depth);
    for (int d = 0; d < paddedSize; d += WIDTH) {
      long panel = keyRows + d / WIDTH * Panels.panelBytes(Panels.depth(keyCount));
      int to = query * paddedSize + d;
      if (add) {
        Panels.multiply(columns, 0, memory, array, panel, steps, rows, true, tile);
        Panels.addTile(tile, 0, rows, sums, to, paddedSize);
      } else {
        Panels.multiplyInto(
            columns, 0, memory, array, panel, steps, rows, true, tile, sums, to, paddedSize);
      }
    }
  }

  private void storeQueryGradients(HeadRows target, int b, int head, int t, int count, int worker) {
    float[] sums = workers.array(QUERY_SUMS, worker);
    MemorySegment wide = workers.segment(worker);
    for (int i = 0; i < count; i++) {
      long to = target.row(b, t + i, head);
      if (target.isHalf()) {
        Panels.putRow(sums, i * paddedSize, size, false, wide, wideBlock);
        Halves.put(wide, wideBlock, size, addQ, target.type(), target.memory(), to);
      } else {
        Panels.putRow(sums, i * paddedSize, size, addQ, target.memory(), to);
      }
    }
  }
}
