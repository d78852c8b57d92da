package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.MAX;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * Attention by blocks with a running softmax: Dao et al., "FlashAttention" (arXiv 2205.14135). A
 * task is a run of queries that read one key head. Keys and values come block by block, packed for
 * the register tiles of {@link GemmKernel}; a few rows of weights against a block of keys is all
 * that there ever is of the T×S matrix. Tiles that no query sees are skipped. Operands of 16 bits
 * are widened on the way.
 *
 * <p>Row i of a task is query time i / group, head i mod group of those that share the key head.
 */
final class Attention implements Kernel, ThreadTeam.Task {
  /** Largest size of a head, and of a block of keys: the tiles' depth. */
  static final int MOST = GemmKernel.MAX_DEPTH;

  private static final int TILE_ROWS = GemmKernel.ROWS;
  private static final int STRIDE = GemmKernel.A_STRIDE;
  private static final int TASK_ROWS = 288;

  // A worker's arrays.
  private static final int QUERIES = 0;
  private static final int WEIGHTS = 1;
  private static final int TILE = 2;
  private static final int SUMS = 3;
  private static final int STATE = 4;
  private static final int FACTORS = 5;
  private static final int PANELS = 6;
  private static final int TURNED = 7;

  private final Workers workers;
  private final HeadRows q;
  private final WideRows k;
  private final WideRows v;
  private final HeadRows out;
  private final MemorySegment lse;
  private final KeyMask mask;
  private final AttentionShape shape;
  private final float scale;
  private final int group;
  private final int size;
  private final int paddedSize;
  private final int chunks;
  private final int chunkRows;
  private final long valuesAt;
  private final long wideAt;

  Attention(Instruction.Attention instruction, Workers workers) {
    this.workers = workers;
    q = HeadRows.of(instruction.q());
    out = HeadRows.of(instruction.out());
    lse = Memory.of(instruction.lse());
    shape = AttentionShape.of(instruction.q(), instruction.k());
    group = shape.group();
    size = shape.size();
    scale = (float) instruction.rule().scale();
    mask = new KeyMask(instruction.rule(), shape.queries(), shape.keys());
    paddedSize = Panels.count(size) * Panels.WIDTH;
    chunks = Math.ceilDiv(shape.queries() * group, TASK_ROWS);
    int even = chunks == 0 ? 0 : Math.ceilDiv(shape.queries() * group, chunks);
    chunkRows = Math.ceilDiv(even, TILE_ROWS) * TILE_ROWS;
    int block = Math.min(shape.keys(), MOST);
    valuesAt = Panels.bytes(Panels.depth(size), block);
    wideAt = valuesAt + Panels.bytes(Panels.depth(block), size);
    k = new WideRows(HeadRows.of(instruction.k()), wideAt, size);
    v = new WideRows(HeadRows.of(instruction.v()), wideAt, size);
    workers.requireSegment(wideAt + 4L * block * size + 4L * paddedSize);
    workers.requireArray(QUERIES, TILE_ROWS * STRIDE);
    workers.requireArray(WEIGHTS, TILE_ROWS * STRIDE);
    workers.requireArray(TILE, TILE_ROWS * Panels.WIDTH);
    workers.requireArray(SUMS, TASK_ROWS * paddedSize);
    workers.requireArray(STATE, 2 * TASK_ROWS);
    workers.requireArray(FACTORS, block);
    workers.requireWords(mask.drops() ? RandomLoops.room(block) : 0);
    workers.requireArray(PANELS, Panels.arrayElements(wideAt));
    workers.requireArray(TURNED, ArrayTransposer.SCRATCH_ELEMENTS);
  }

  @Override
  public void run() {
    mask.refresh();
    int tasks = shape.batch() * shape.keyHeads() * chunks;
    workers.run(tasks, shape.scores() * size / 8, this);
  }

  @Override
  public void run(int task, int worker) {
    // The last queries first, which see most keys: no long task is left to one thread at the end.
    int chunk = chunks - 1 - task / (shape.batch() * shape.keyHeads());
    int keyHead = task % shape.keyHeads();
    int b = task / shape.keyHeads() % shape.batch();
    int first = chunk * chunkRows;
    int rows = Math.min(chunkRows, shape.queries() * group - first);
    float[] state = workers.array(STATE, worker);
    Arrays.fill(state, 0, TASK_ROWS, Float.NEGATIVE_INFINITY);
    Arrays.fill(state, TASK_ROWS, 2 * TASK_ROWS, 0);
    int seen = mask.visible(b, (first + rows - 1) / group);
    for (int key = 0; key < seen; key += MOST) {
      int count = Math.min(MOST, seen - key);
      packKeys(b, keyHead, key, count, worker);
      for (int row = 0; row < rows; row += TILE_ROWS) {
        int tileRows = Math.min(TILE_ROWS, rows - row);
        addBlock(b, keyHead, first + row, row, tileRows, key, count, worker);
      }
    }
    if (seen == 0) {
      Arrays.fill(workers.array(SUMS, worker), 0, rows * paddedSize, 0);
    }
    for (int row = 0; row < rows; row++) {
      finish(b, keyHead, first + row, row, worker);
    }
  }

  private void packKeys(int b, int keyHead, int key, int count, int worker) {
    MemorySegment panels = workers.segment(worker);
    float[] array = workers.array(PANELS, worker);
    float[] scratch = workers.array(TURNED, worker);
    MemorySegment blocks = workers.transposeRoom(worker);
    long start = k.widen(b, key, keyHead, count, panels);
    MemorySegment from = k.memory(panels);
    Panels.packTransposed(from, start, k.stride(), count, size, panels, array, 0, blocks, scratch);
    start = v.widen(b, key, keyHead, count, panels);
    from = v.memory(panels);
    Panels.packRows(from, start, v.stride(), count, size, panels, array, valuesAt, scratch);
  }

  /** Takes a block of keys into the sums of a tile's rows. */
  private void addBlock(
      int b, int keyHead, int first, int row, int rows, int key, int count, int worker) {
    int last = mask.visible(b, (first + rows - 1) / group);
    int depth = Math.min(count, last - key);
    if (depth <= 0) {
      if (key == 0) {
        int from = row * paddedSize;
        Arrays.fill(workers.array(SUMS, worker), from, from + rows * paddedSize, 0);
      }
      return;
    }
    loadQueries(b, keyHead, first, rows, worker);
    score(rows, depth, worker);
    for (int i = 0; i < rows; i++) {
      int seen = Math.clamp(mask.visible(b, (first + i) / group) - key, 0, depth);
      weigh(i, row + i, seen, depth, worker);
      if (mask.drops()) {
        drop(queryNumber(b, keyHead, first + i), i, key, seen, worker);
      }
    }
    addValues(row, rows, depth, count, key > 0, worker);
  }

  private void loadQueries(int b, int keyHead, int first, int rows, int worker) {
    float[] to = workers.array(QUERIES, worker);
    MemorySegment wide = workers.segment(worker);
    for (int i = 0; i < rows; i++) {
      int t = (first + i) / group;
      int head = keyHead * group + (first + i) % group;
      long row = q.row(b, t, head);
      if (q.isHalf()) {
        Halves.widen(q.type(), q.memory(), row, size, wide, wideAt);
        Panels.copyRow(wide, wideAt, size, scale, to, i * STRIDE);
      } else {
        Panels.copyRow(q.memory(), row, size, scale, to, i * STRIDE);
      }
    }
  }

  private void score(int rows, int depth, int worker) {
    float[] a = workers.array(QUERIES, worker);
    float[] tile = workers.array(TILE, worker);
    float[] weights = workers.array(WEIGHTS, worker);
    MemorySegment panels = workers.segment(worker);
    float[] array = workers.array(PANELS, worker);
    int steps = Panels.depth(size);
    for (int j = 0; j < depth; j += Panels.WIDTH) {
      long panel = j / Panels.WIDTH * Panels.panelBytes(steps);
      Panels.multiplyInto(a, 0, panels, array, panel, steps, rows, false, tile, weights, j, STRIDE);
    }
  }

  /** Scores become weights relative to the largest so far; the sums so far are scaled to it. */
  private void weigh(int i, int row, int seen, int depth, int worker) {
    float[] weights = workers.array(WEIGHTS, worker);
    float[] state = workers.array(STATE, worker);
    float before = state[row];
    if (seen > 0) {
      int whole = pad(weights, i * STRIDE, seen);
      float max = Math.max(before, max(weights, i * STRIDE, whole));
      float sum = exponentials(weights, i * STRIDE, whole, max);
      if (before == Float.NEGATIVE_INFINITY) {
        state[TASK_ROWS + row] = sum;
      } else {
        float fade = (float) Math.exp(before - max);
        state[TASK_ROWS + row] = state[TASK_ROWS + row] * fade + sum;
        fade(workers.array(SUMS, worker), row * paddedSize, paddedSize, fade);
      }
      state[row] = max;
    }
    Arrays.fill(weights, i * STRIDE + seen, i * STRIDE + Panels.depth(depth), 0);
  }

  /** The largest of a row of whole vectors; a NaN among them is passed over. */
  static float max(float[] row, int start, int n) {
    FloatVector max = Lanes.all(Float.NEGATIVE_INFINITY);
    for (int i = start; i < start + n; i += Lanes.COUNT) {
      max = Lanes.larger(max, FloatVector.fromArray(Lanes.SPECIES, row, i));
    }
    return max.reduceLanes(MAX);
  }

  /** Replaces x by exp(x − max), in a row of whole vectors, and adds up. */
  static float exponentials(float[] row, int start, int n, float max) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    FloatVector shift = Lanes.all(max);
    for (int i = start; i < start + n; i += Lanes.COUNT) {
      FloatVector x = FloatVector.fromArray(Lanes.SPECIES, row, i);
      FloatVector y = VectorMath.expOfNegative(x.sub(shift));
      y.intoArray(row, i);
      sum = sum.add(y);
    }
    return Lanes.sum(sum);
  }

  /** Ends a row with −∞, the weight 0, up to a whole vector; says how long it is then. */
  static int pad(float[] row, int start, int n) {
    int whole = Math.ceilDiv(n, Lanes.COUNT) * Lanes.COUNT;
    Arrays.fill(row, start + n, start + whole, Float.NEGATIVE_INFINITY);
    return whole;
  }

  private static void fade(float[] sums, int start, int n, float factor) {
    for (int i = start; i < start + n; i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.SPECIES, sums, i).mul(factor).intoArray(sums, i);
    }
  }

  private void drop(long query, int i, int key, int seen, int worker) {
    float[] weights = workers.array(WEIGHTS, worker);
    float[] factors = workers.array(FACTORS, worker);
    mask.factors(query, key, seen, workers.words(worker), factors, 0, 1);
    for (int s = 0; s < seen; s++) {
      weights[i * STRIDE + s] *= factors[s];
    }
  }

  private void addValues(int row, int rows, int depth, int count, boolean add, int worker) {
    float[] weights = workers.array(WEIGHTS, worker);
    float[] tile = workers.array(TILE, worker);
    float[] sums = workers.array(SUMS, worker);
    MemorySegment panels = workers.segment(worker);
    float[] array = workers.array(PANELS, worker);
    int steps = Panels.depth(depth);
    for (int d = 0; d < paddedSize; d += Panels.WIDTH) {
      long panel = valuesAt + d / Panels.WIDTH * Panels.panelBytes(Panels.depth(count));
      int to = row * paddedSize + d;
      if (add) {
        Panels.multiply(weights, 0, panels, array, panel, steps, rows, false, tile);
        Panels.addTile(tile, 0, rows, sums, to, paddedSize);
      } else {
        Panels.multiplyInto(
            weights, 0, panels, array, panel, steps, rows, false, tile, sums, to, paddedSize);
      }
    }
  }

  private void finish(int b, int keyHead, int index, int row, int worker) {
    float[] state = workers.array(STATE, worker);
    float sum = state[TASK_ROWS + row];
    float factor = sum == 0 ? 0 : 1 / sum;
    int head = keyHead * group + index % group;
    long place = out.row(b, index / group, head);
    float[] sums = workers.array(SUMS, worker);
    if (out.isHalf()) {
      MemorySegment wide = workers.segment(worker);
      Panels.putScaled(sums, row * paddedSize, size, factor, wide, wideAt);
      Halves.put(wide, wideAt, size, false, out.type(), out.memory(), place);
    } else {
      Panels.putScaled(sums, row * paddedSize, size, factor, out.memory(), place);
    }
    float logSum = state[row] + (float) Math.log(sum);
    lse.setAtIndex(Memory.FLOAT, queryNumber(b, keyHead, index), logSum);
  }

  private long queryNumber(int b, int keyHead, int index) {
    int head = keyHead * group + index % group;
    return shape.queryNumber(b, head, index / group);
  }
}
