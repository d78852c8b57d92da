package org.freetransformer.tensor.device.simd;

import static org.freetransformer.tensor.device.simd.Lanes.COUNT;
import static org.freetransformer.tensor.device.simd.Transposer.HIGH;
import static org.freetransformer.tensor.device.simd.Transposer.LOW;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * The innermost loops of {@link DecodingAttention}. Each goes over keys or values in the order of
 * memory, or of two halves of it, since memory is what they wait for: eight vectors' width of a
 * head at a time, then four, then one. Offsets and strides are in bytes.
 */
final class DecodingKernel {
  /** Keys of each of two streams whose products are added up over their lanes at once. */
  static final int PAIRS = 8;

  private static final long VECTOR_BYTES = 4L * COUNT;

  private static final VectorShuffle<Float> BY_HALF = rotation(COUNT / 2);
  private static final VectorShuffle<Float> BY_QUARTER = rotation(COUNT / 4);
  private static final VectorShuffle<Float> BY_EIGHTH = rotation(COUNT / 8);

  private DecodingKernel() {}

  private static VectorShuffle<Float> rotation(int lanes) {
    return VectorShuffle.fromOp(Lanes.SPECIES, i -> (i + lanes) % COUNT);
  }

  /**
   * weights[s] = q·kₛ·scale of heads that are four vectors wide, for all keys: those of both halves
   * in turn, two streams from memory. Where the number is odd, the one in the middle is computed
   * twice.
   *
   * <p>The lanes of two keys' products are added up together, before the next are read: memory is
   * never waited for while many are.
   */
  static void scoreFour(
      MemorySegment q,
      long query,
      MemorySegment k,
      long first,
      long stride,
      int keys,
      float scale,
      float[] weights) {
    FloatVector q0 = Lanes.load(q, query);
    FloatVector q1 = Lanes.load(q, query + VECTOR_BYTES);
    FloatVector q2 = Lanes.load(q, query + 2 * VECTOR_BYTES);
    FloatVector q3 = Lanes.load(q, query + 3 * VECTOR_BYTES);
    int half = keys / 2;
    for (int s = 0; s < keys - half; s++) {
      long key = first + s * stride;
      FloatVector even = q0.mul(Lanes.load(k, key));
      FloatVector odd = q1.mul(Lanes.load(k, key + VECTOR_BYTES));
      even = q2.fma(Lanes.load(k, key + 2 * VECTOR_BYTES), even);
      odd = q3.fma(Lanes.load(k, key + 3 * VECTOR_BYTES), odd);
      IntVector one = even.add(odd).reinterpretAsInts();
      key += half * stride;
      even = q0.mul(Lanes.load(k, key));
      odd = q1.mul(Lanes.load(k, key + VECTOR_BYTES));
      even = q2.fma(Lanes.load(k, key + 2 * VECTOR_BYTES), even);
      odd = q3.fma(Lanes.load(k, key + 3 * VECTOR_BYTES), odd);
      IntVector other = even.add(odd).reinterpretAsInts();
      FloatVector both = LOW.selectFrom(one, other).reinterpretAsFloats();
      both = both.add(HIGH.selectFrom(one, other).reinterpretAsFloats());
      if (COUNT >= 4) {
        both = both.add(both.rearrange(BY_HALF));
      }
      if (COUNT >= 8) {
        both = both.add(both.rearrange(BY_QUARTER));
      }
      if (COUNT >= 16) {
        both = both.add(both.rearrange(BY_EIGHTH));
      }
      weights[s] = both.lane(0) * scale;
      weights[half + s] = both.lane(1) * scale;
    }
  }

  /**
   * lanes[s·COUNT …) = q·kₛ lane by lane, over eight vectors' width, for the keys from {@code
   * first} on, and lanes[(PAIRS + s)·COUNT …) for those from {@code second} on, in turn: two
   * streams from memory. The lanes are added up later, for many keys at once.
   *
   * @param keys of each, at most {@link #PAIRS}
   * @param add to what is there
   */
  static void dotEight(
      MemorySegment q,
      long query,
      MemorySegment k,
      long first,
      long second,
      long stride,
      int keys,
      float[] lanes,
      boolean add) {
    FloatVector q0 = Lanes.load(q, query);
    FloatVector q1 = Lanes.load(q, query + VECTOR_BYTES);
    FloatVector q2 = Lanes.load(q, query + 2 * VECTOR_BYTES);
    FloatVector q3 = Lanes.load(q, query + 3 * VECTOR_BYTES);
    FloatVector q4 = Lanes.load(q, query + 4 * VECTOR_BYTES);
    FloatVector q5 = Lanes.load(q, query + 5 * VECTOR_BYTES);
    FloatVector q6 = Lanes.load(q, query + 6 * VECTOR_BYTES);
    FloatVector q7 = Lanes.load(q, query + 7 * VECTOR_BYTES);
    long gap = second - first;
    for (int i = 0; i < 2 * keys; i++) {
      int s = i >> 1;
      int side = i & 1;
      long key = first + s * stride + side * gap;
      FloatVector even = q0.mul(Lanes.load(k, key));
      FloatVector odd = q1.mul(Lanes.load(k, key + VECTOR_BYTES));
      even = q2.fma(Lanes.load(k, key + 2 * VECTOR_BYTES), even);
      odd = q3.fma(Lanes.load(k, key + 3 * VECTOR_BYTES), odd);
      even = q4.fma(Lanes.load(k, key + 4 * VECTOR_BYTES), even);
      odd = q5.fma(Lanes.load(k, key + 5 * VECTOR_BYTES), odd);
      even = q6.fma(Lanes.load(k, key + 6 * VECTOR_BYTES), even);
      odd = q7.fma(Lanes.load(k, key + 7 * VECTOR_BYTES), odd);
      FloatVector sum = even.add(odd);
      int at = (side * PAIRS + s) * COUNT;
      (add ? sum.add(FloatVector.fromArray(Lanes.SPECIES, lanes, at)) : sum).intoArray(lanes, at);
    }
  }

  /** lanes[to + s·COUNT …) = q·kₛ lane by lane, over four vectors' width. */
  static void dotFour(
      MemorySegment q,
      long query,
      MemorySegment k,
      long first,
      long stride,
      int keys,
      float[] lanes,
      int to,
      boolean add) {
    FloatVector q0 = Lanes.load(q, query);
    FloatVector q1 = Lanes.load(q, query + VECTOR_BYTES);
    FloatVector q2 = Lanes.load(q, query + 2 * VECTOR_BYTES);
    FloatVector q3 = Lanes.load(q, query + 3 * VECTOR_BYTES);
    for (int s = 0; s < keys; s++) {
      long key = first + s * stride;
      FloatVector even = q0.mul(Lanes.load(k, key));
      FloatVector odd = q1.mul(Lanes.load(k, key + VECTOR_BYTES));
      even = q2.fma(Lanes.load(k, key + 2 * VECTOR_BYTES), even);
      odd = q3.fma(Lanes.load(k, key + 3 * VECTOR_BYTES), odd);
      FloatVector sum = even.add(odd);
      int at = to + s * COUNT;
      (add ? sum.add(FloatVector.fromArray(Lanes.SPECIES, lanes, at)) : sum).intoArray(lanes, at);
    }
  }

  /** {@link #dotFour} over a vector's width. */
  static void dotOne(
      MemorySegment q,
      long query,
      MemorySegment k,
      long first,
      long stride,
      int keys,
      float[] lanes,
      int to,
      boolean add) {
    FloatVector x = Lanes.load(q, query);
    for (int s = 0; s < keys; s++) {
      FloatVector product = x.mul(Lanes.load(k, first + s * stride));
      int at = to + s * COUNT;
      (add ? product.add(FloatVector.fromArray(Lanes.SPECIES, lanes, at)) : product)
          .intoArray(lanes, at);
    }
  }

  /**
   * sums[at …) = the sum of all values, weighted, over eight vectors' width: those of both halves
   * in turn, two streams from memory.
   */
  static void addEight(
      float[] weights, int seen, MemorySegment v, long first, long stride, float[] sums, int at) {
    FloatVector s0 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s1 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s2 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s3 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s4 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s5 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s6 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s7 = FloatVector.zero(Lanes.SPECIES);
    int half = seen - seen / 2;
    for (int i = 0; i < seen; i++) {
      int s = (i >> 1) + (i & 1) * half;
      long value = first + s * stride;
      FloatVector weight = Lanes.all(weights[s]);
      s0 = Lanes.load(v, value).fma(weight, s0);
      s1 = Lanes.load(v, value + VECTOR_BYTES).fma(weight, s1);
      s2 = Lanes.load(v, value + 2 * VECTOR_BYTES).fma(weight, s2);
      s3 = Lanes.load(v, value + 3 * VECTOR_BYTES).fma(weight, s3);
      s4 = Lanes.load(v, value + 4 * VECTOR_BYTES).fma(weight, s4);
      s5 = Lanes.load(v, value + 5 * VECTOR_BYTES).fma(weight, s5);
      s6 = Lanes.load(v, value + 6 * VECTOR_BYTES).fma(weight, s6);
      s7 = Lanes.load(v, value + 7 * VECTOR_BYTES).fma(weight, s7);
    }
    s0.intoArray(sums, at);
    s1.intoArray(sums, at + COUNT);
    s2.intoArray(sums, at + 2 * COUNT);
    s3.intoArray(sums, at + 3 * COUNT);
    s4.intoArray(sums, at + 4 * COUNT);
    s5.intoArray(sums, at + 5 * COUNT);
    s6.intoArray(sums, at + 6 * COUNT);
    s7.intoArray(sums, at + 7 * COUNT);
  }

  /** sums[at …) = the sum of all values, weighted, over four vectors' width. */
  static void addFour(
      float[] weights, int seen, MemorySegment v, long first, long stride, float[] sums, int at) {
    FloatVector s0 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s1 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s2 = FloatVector.zero(Lanes.SPECIES);
    FloatVector s3 = FloatVector.zero(Lanes.SPECIES);
    for (int s = 0; s < seen; s++) {
      long value = first + s * stride;
      FloatVector weight = Lanes.all(weights[s]);
      s0 = Lanes.load(v, value).fma(weight, s0);
      s1 = Lanes.load(v, value + VECTOR_BYTES).fma(weight, s1);
      s2 = Lanes.load(v, value + 2 * VECTOR_BYTES).fma(weight, s2);
      s3 = Lanes.load(v, value + 3 * VECTOR_BYTES).fma(weight, s3);
    }
    s0.intoArray(sums, at);
    s1.intoArray(sums, at + COUNT);
    s2.intoArray(sums, at + 2 * COUNT);
    s3.intoArray(sums, at + 3 * COUNT);
  }

  /** {@link #addFour} over a vector's width. */
  static void addOne(
      float[] weights, int seen, MemorySegment v, long first, long stride, float[] sums, int at) {
    FloatVector sum = FloatVector.zero(Lanes.SPECIES);
    for (int s = 0; s < seen; s++) {
      sum = Lanes.load(v, first + s * stride).fma(Lanes.all(weights[s]), sum);
    }
    sum.intoArray(sums, at);
  }
}
