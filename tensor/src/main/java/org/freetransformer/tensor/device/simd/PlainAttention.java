package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * {@link Attention} in plain loops, to the same bits: of queries and keys so few that all keys of a
 * head are one block. Operands are f32.
 */
final class PlainAttention implements Kernel {
  // Arrays of the scratch memory.
  private static final int QUERY = 0;
  private static final int KEYS = 1;
  private static final int VALUES = 2;
  private static final int WEIGHTS = 3;
  private static final int SUMS = 4;

  private final PlainScratch scratch;
  private final HeadRows q;
  private final HeadRows k;
  private final HeadRows v;
  private final HeadRows out;
  private final MemorySegment lse;
  private final KeyMask mask;
  private final AttentionShape shape;
  private final float scale;
  private final int group;
  private final int size;

  PlainAttention(Instruction.Attention instruction, PlainScratch scratch) {
    this.scratch = scratch;
    q = HeadRows.of(instruction.q());
    k = HeadRows.of(instruction.k());
    v = HeadRows.of(instruction.v());
    out = HeadRows.of(instruction.out());
    lse = Memory.of(instruction.lse());
    shape = AttentionShape.of(instruction.q(), instruction.k());
    group = shape.group();
    size = shape.size();
    scale = (float) instruction.rule().scale();
    mask = new KeyMask(instruction.rule(), shape.queries(), shape.keys());
  }

  /** Whether {@link Attention} computes this one, with all keys of a head in one block. */
  static boolean suits(Instruction.Attention op) {
    return op.k().dim(2) > 0
        && op.k().dim(1) <= Attention.MOST
        && op.q().dim(3) <= Attention.MOST
        && op.rule().dropout() == 0
        && !DecodingAttention.suits(op);
  }

  @Override
  public void run() {
    for (int b = 0; b < shape.batch(); b++) {
      for (int keyHead = 0; keyHead < shape.keyHeads(); keyHead++) {
        float[] keyRows = rows(k, b, keyHead, KEYS);
        float[] valueRows = rows(v, b, keyHead, VALUES);
        for (int row = 0; row < shape.queries() * group; row++) {
          attend(b, keyHead, row, keyRows, valueRows);
        }
      }
    }
  }

  /** All keys or values of a head, one after the other. */
  private float[] rows(HeadRows from, int b, int keyHead, int slot) {
    float[] rows = scratch.array(slot, shape.keys() * size);
    for (int s = 0; s < shape.keys(); s++) {
      long start = from.row(b, s, keyHead);
      MemorySegment.copy(from.memory(), Memory.FLOAT, start, rows, s * size, size);
    }
    return rows;
  }

  /** The query and head of a row are as {@link Attention} numbers them. */
  private void attend(int b, int keyHead, int row, float[] keyRows, float[] valueRows) {
    int t = row / group;
    int head = keyHead * group + row % group;
    int depth = mask.visible(b, lastOfTile(row) / group);
    int seen = Math.min(mask.visible(b, t), depth);
    float[] weights = scratch.array(WEIGHTS, shape.keys() + Lanes.COUNT);
    score(q.row(b, t, head), keyRows, seen, weights);
    float max = Float.NEGATIVE_INFINITY;
    float sum = 0;
    if (seen > 0) {
      int padded = pad(weights, seen);
      for (int s = 0; s < padded; s++) {
        max = Math.max(max, weights[s]);
      }
      sum = exponentials(weights, padded, max);
    }
    Arrays.fill(weights, seen, depth, 0f);
    float[] sums = addUp(weights, depth, valueRows);
    float factor = sum == 0 ? 0 : 1 / sum;
    for (int d = 0; d < size; d++) {
      sums[d] = (sums[d] + 0f) * factor; // Attention adds to zeros, too: −0 becomes 0.
    }
    MemorySegment.copy(sums, 0, out.memory(), Memory.FLOAT, out.row(b, t, head), size);
    long query = shape.queryNumber(b, head, t);
    lse.setAtIndex(Memory.FLOAT, query, max + (float) Math.log(sum));
  }

  /** The rows of a tile share their sums' length: weights of keys that a row does not see are 0. */
  private int lastOfTile(int row) {
    int tile = row - row % GemmKernel.ROWS;
    return Math.min(tile + GemmKernel.ROWS, shape.queries() * group) - 1;
  }

  private void score(long start, float[] keyRows, int seen, float[] weights) {
    float[] query = scratch.array(QUERY, size);
    MemorySegment.copy(q.memory(), Memory.FLOAT, start, query, 0, size);
    for (int d = 0; d < size; d++) {
      query[d] *= scale;
    }
    for (int s = 0; s < seen; s++) {
      float sum = 0;
      for (int d = 0; d < size; d++) {
        sum = Math.fma(query[d], keyRows[s * size + d], sum);
      }
      weights[s] = sum;
    }
  }

  /** {@link Attention#pad}. */
  private static int pad(float[] weights, int seen) {
    int whole = Math.ceilDiv(seen, Lanes.COUNT) * Lanes.COUNT;
    Arrays.fill(weights, seen, whole, Float.NEGATIVE_INFINITY);
    return whole;
  }

  /** {@link Attention#exponentials}. */
  private float exponentials(float[] weights, int count, float max) {
    float[] lanes = scratch.array(SUMS, Math.max(size, Lanes.COUNT));
    Arrays.fill(lanes, 0, Lanes.COUNT, 0f);
    for (int s = 0; s < count; s++) {
      weights[s] = ScalarMath.expOfNegative(weights[s] - max);
      lanes[s % Lanes.COUNT] += weights[s];
    }
    return ScalarMath.sum(lanes, Lanes.COUNT);
  }

  /** Values times their weights. */
  private float[] addUp(float[] weights, int depth, float[] valueRows) {
    float[] sums = scratch.array(SUMS, Math.max(size, Lanes.COUNT));
    Arrays.fill(sums, 0, size, 0f);
    for (int s = 0; s < depth; s++) {
      float weight = weights[s];
      for (int d = 0; d < size; d++) {
        sums[d] = Math.fma(weight, valueRows[s * size + d], sums[d]);
      }
    }
    return sums;
  }
}
