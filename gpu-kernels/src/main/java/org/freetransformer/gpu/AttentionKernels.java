package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Grouped-query attention without a T×S matrix. A work group of 64 takes one query (forward, dq) or
 * one key (dk, dv), and goes over the other side in tiles of 64: first an item is a position of the
 * tile, then a dimension of the head.
 *
 * <p>Args: {@code [B, T, S, Hq, Hkv, Dh, causal, key lengths or −1, rng or −1, salt]}, then places
 * of four numbers (offset, strides of b, t, head) as {@link #Q} and the others say. a is the scale
 * of the scores, b the rate of dropout.
 */
final class AttentionKernels {
  /** Positions of a tile, items of a group. */
  static final int TILE = 64;

  /** The largest head. */
  static final int MOST_SIZE = 256;

  /** Where each operand's place stands in the args. */
  static final int Q = 10;

  static final int K = 14;
  static final int V = 18;
  static final int OUT = 22;
  static final int DOUT = 26;
  static final int RESULT = 30;

  /** After the places: lse [B, Hq, T], accumulate of the result or −1 if there is none. */
  static final int LSE = 34;

  static final int ACCUMULATE = 35;

  /** In backward: Σ dout · out of each query [B, Hq, T]. */
  static final int MEANS = 36;

  /** In backward to keys and values: the place of the second result, and its accumulate. */
  static final int SECOND = 37;

  static final int SECOND_ACCUMULATE = 41;

  private static final float LEAST = -3.4028235e38f;

  private AttentionKernels() {}

  private static int row(IntArray args, int operand, int b, int t, int head) {
    return args.get(operand)
        + b * args.get(operand + 1)
        + t * args.get(operand + 2)
        + head * args.get(operand + 3);
  }

  /** How many keys, from the first on, query t of batch row b sees. */
  private static int visible(IntArray args, IntArray ints, int b, int t) {
    int keys = args.get(2);
    int length = keys;
    if (args.get(7) >= 0) {
      length = ints.get(args.get(7) + b);
    }
    int seen = length;
    if (args.get(6) != 0) {
      int until = t + length - args.get(1) + 1;
      seen = until < length ? until : length;
    }
    seen = seen < 0 ? 0 : seen;
    return seen < keys ? seen : keys;
  }

  /** What dropout makes of a weight: a factor 0 or 1/(1 − rate). */
  private static float kept(
      IntArray args, IntArray ints, int b, int head, int t, int s, float rate) {
    float factor = 1f;
    if (args.get(8) >= 0) {
      int i = ((b * args.get(3) + head) * args.get(1) + t) * args.get(2) + s;
      float u = RandomKernels.uniform(ints, args.get(8), args.get(9), i);
      factor = u >= rate ? 1f / (1f - rate) : 0f;
    }
    return factor;
  }

  private static float dot(FloatArray floats, int x, int y, int size) {
    float sum = 0f;
    for (int d = 0; d < size; d++) {
      sum += floats.get(x + d) * floats.get(y + d);
    }
    return sum;
  }

  /** One group for each (b, head, t); lse goes to args[LSE], the result to RESULT. */
  static void forward(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] scratch = c.allocateFloatLocalArray(Groups.SCRATCH);
    float[] weights = c.allocateFloatLocalArray(TILE);
    int group = c.groupIdx;
    int me = c.localIdx;
    int t = group % args.get(1);
    int head = (group / args.get(1)) % args.get(3);
    int batch = group / (args.get(1) * args.get(3));
    int size = args.get(5);
    int keyHead = head * args.get(4) / args.get(3);
    int query = row(args, Q, batch, t, head);
    int seen = visible(args, ints, batch, t);
    float largest = LEAST;
    float sum = 0f;
    float acc0 = 0f;
    float acc1 = 0f;
    float acc2 = 0f;
    float acc3 = 0f;
    for (int tile = 0; tile < seen; tile += TILE) {
      int s = tile + me;
      float score = LEAST;
      if (s < seen) {
        score = a * dot(floats, query, row(args, K, batch, s, keyHead), size);
      }
      float before = largest;
      float best = Groups.max(c, scratch, score);
      largest = best > before ? best : before;
      float weight = 0f;
      if (s < seen) {
        weight = TornadoMath.exp(score - largest);
      }
      float tileSum = Groups.sum(c, scratch, weight);
      if (s < seen) {
        weight = weight * kept(args, ints, batch, head, t, s, b);
      }
      weights[me] = weight;
      c.localBarrier();
      float fade = TornadoMath.exp(before - largest);
      sum = sum * fade + tileSum;
      acc0 = acc0 * fade;
      acc1 = acc1 * fade;
      acc2 = acc2 * fade;
      acc3 = acc3 * fade;
      int last = seen - tile < TILE ? seen - tile : TILE;
      for (int j = 0; j < last; j++) {
        int value = row(args, V, batch, tile + j, keyHead);
        float w = weights[j];
        if (me < size) {
          acc0 += w * floats.get(value + me);
        }
        if (me + 64 < size) {
          acc1 += w * floats.get(value + me + 64);
        }
        if (me + 128 < size) {
          acc2 += w * floats.get(value + me + 128);
        }
        if (me + 192 < size) {
          acc3 += w * floats.get(value + me + 192);
        }
      }
      c.localBarrier();
    }
    float scale = 0f;
    float lse = Float.NEGATIVE_INFINITY;
    if (seen > 0) {
      scale = 1f / sum;
      lse = largest + TornadoMath.log(sum);
    }
    int out = row(args, RESULT, batch, t, head);
    put(floats, out, me, size, 0, acc0 * scale, acc1 * scale, acc2 * scale, acc3 * scale);
    if (me == 0) {
      floats.set(args.get(LSE) + group, lse);
    }
  }

  /** One item for each (b, head, t): its number of {@link #MEANS}, which every key asks for. */
  static void backwardMeans(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0) * args.get(1) * args.get(3)) {
      int t = i % args.get(1);
      int head = (i / args.get(1)) % args.get(3);
      int batch = i / (args.get(1) * args.get(3));
      int dout = row(args, DOUT, batch, t, head);
      int out = row(args, OUT, batch, t, head);
      floats.set(args.get(MEANS) + i, dot(floats, dout, out, args.get(5)));
    }
  }

  /** One group for each (b, head, t): dq to RESULT. */
  static void backwardToQuery(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] gradients = c.allocateFloatLocalArray(TILE);
    int group = c.groupIdx;
    int me = c.localIdx;
    int t = group % args.get(1);
    int head = (group / args.get(1)) % args.get(3);
    int batch = group / (args.get(1) * args.get(3));
    int size = args.get(5);
    int keyHead = head * args.get(4) / args.get(3);
    int query = row(args, Q, batch, t, head);
    int dout = row(args, DOUT, batch, t, head);
    int seen = visible(args, ints, batch, t);
    float lse = floats.get(args.get(LSE) + group);
    float mean = floats.get(args.get(MEANS) + group);
    float acc0 = 0f;
    float acc1 = 0f;
    float acc2 = 0f;
    float acc3 = 0f;
    for (int tile = 0; tile < seen; tile += TILE) {
      int s = tile + me;
      float gradient = 0f;
      if (s < seen) {
        float score = a * dot(floats, query, row(args, K, batch, s, keyHead), size);
        float weight = TornadoMath.exp(score - lse);
        float toWeight = dot(floats, dout, row(args, V, batch, s, keyHead), size);
        toWeight = toWeight * kept(args, ints, batch, head, t, s, b);
        gradient = a * weight * (toWeight - mean);
      }
      gradients[me] = gradient;
      c.localBarrier();
      int last = seen - tile < TILE ? seen - tile : TILE;
      for (int j = 0; j < last; j++) {
        int key = row(args, K, batch, tile + j, keyHead);
        float g = gradients[j];
        if (me < size) {
          acc0 += g * floats.get(key + me);
        }
        if (me + 64 < size) {
          acc1 += g * floats.get(key + me + 64);
        }
        if (me + 128 < size) {
          acc2 += g * floats.get(key + me + 128);
        }
        if (me + 192 < size) {
          acc3 += g * floats.get(key + me + 192);
        }
      }
      c.localBarrier();
    }
    int out = row(args, RESULT, batch, t, head);
    put(floats, out, me, size, args.get(ACCUMULATE), acc0, acc1, acc2, acc3);
  }

  /**
   * One group for each (b, key head, s): dk to RESULT and dv to SECOND, each if it is wanted, from
   * the same weights.
   */
  static void backwardToKeyAndValue(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    float[] gradients = c.allocateFloatLocalArray(TILE);
    float[] weights = c.allocateFloatLocalArray(TILE);
    int group = c.groupIdx;
    int me = c.localIdx;
    int s = group % args.get(2);
    int keyHead = (group / args.get(2)) % args.get(4);
    int batch = group / (args.get(2) * args.get(4));
    int size = args.get(5);
    int shared = args.get(3) / args.get(4);
    int queries = args.get(1);
    int key = row(args, K, batch, s, keyHead);
    int value = row(args, V, batch, s, keyHead);
    float key0 = 0f;
    float key1 = 0f;
    float key2 = 0f;
    float key3 = 0f;
    float value0 = 0f;
    float value1 = 0f;
    float value2 = 0f;
    float value3 = 0f;
    for (int member = 0; member < shared; member++) {
      int head = keyHead * shared + member;
      int first = (batch * args.get(3) + head) * queries;
      for (int tile = 0; tile < queries; tile += TILE) {
        int t = tile + me;
        float weight = 0f;
        float gradient = 0f;
        if (t < queries && s < visible(args, ints, batch, t)) {
          int query = row(args, Q, batch, t, head);
          int dout = row(args, DOUT, batch, t, head);
          float score = a * dot(floats, query, key, size);
          weight = TornadoMath.exp(score - floats.get(args.get(LSE) + first + t));
          float factor = kept(args, ints, batch, head, t, s, b);
          float toWeight = dot(floats, dout, value, size) * factor;
          gradient = a * weight * (toWeight - floats.get(args.get(MEANS) + first + t));
          weight = weight * factor;
        }
        gradients[me] = gradient;
        weights[me] = weight;
        c.localBarrier();
        int last = queries - tile < TILE ? queries - tile : TILE;
        for (int j = 0; j < last; j++) {
          int query = row(args, Q, batch, tile + j, head);
          int dout = row(args, DOUT, batch, tile + j, head);
          float g = gradients[j];
          float w = weights[j];
          if (me < size) {
            key0 += g * floats.get(query + me);
            value0 += w * floats.get(dout + me);
          }
          if (me + 64 < size) {
            key1 += g * floats.get(query + me + 64);
            value1 += w * floats.get(dout + me + 64);
          }
          if (me + 128 < size) {
            key2 += g * floats.get(query + me + 128);
            value2 += w * floats.get(dout + me + 128);
          }
          if (me + 192 < size) {
            key3 += g * floats.get(query + me + 192);
            value3 += w * floats.get(dout + me + 192);
          }
        }
        c.localBarrier();
      }
    }
    if (args.get(ACCUMULATE) >= 0) {
      int out = row(args, RESULT, batch, s, keyHead);
      put(floats, out, me, size, args.get(ACCUMULATE), key0, key1, key2, key3);
    }
    if (args.get(SECOND_ACCUMULATE) >= 0) {
      int out = row(args, SECOND, batch, s, keyHead);
      put(floats, out, me, size, args.get(SECOND_ACCUMULATE), value0, value1, value2, value3);
    }
  }

  private static void put(
      FloatArray floats,
      int out,
      int me,
      int size,
      int accumulate,
      float v0,
      float v1,
      float v2,
      float v3) {
    putOne(floats, out, me, size, accumulate, v0);
    putOne(floats, out, me + 64, size, accumulate, v1);
    putOne(floats, out, me + 128, size, accumulate, v2);
    putOne(floats, out, me + 192, size, accumulate, v3);
  }

  private static void putOne(
      FloatArray floats, int out, int d, int size, int accumulate, float value) {
    if (d < size) {
      Scalars.put(floats, out + d, value, accumulate);
    }
  }
}
