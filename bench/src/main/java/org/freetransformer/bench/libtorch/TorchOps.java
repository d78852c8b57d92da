package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;

/**
 * This project's operations as compositions of what DJL has methods for. It has none for RMSNorm,
 * scaled-dot-product attention and cross-entropy, so these are built from the fewest operations
 * that do the same. Each frees what it makes on the way.
 *
 * @see TorchFused
 */
public final class TorchOps {
  private TorchOps() {}

  /** {@code x·weightᵀ}: x [.., in], weight [out, in]. */
  public static NDArray linear(NDArray x, NDArray weight) {
    return x.getNDArrayInternal().linear(x, weight, null).singletonOrThrow();
  }

  /** Rows of a table [R, D] for int64 indices [..]. */
  public static NDArray embedding(NDArray table, NDArray indices) {
    return table
        .getNDArrayInternal()
        .embedding(indices, table, SparseFormat.DENSE)
        .singletonOrThrow();
  }

  /** {@code x / √(mean(x²) + epsilon) · weight} over the last axis. */
  public static NDArray rmsNorm(NDArray x, NDArray weight, double epsilon) {
    int last = x.getShape().dimension() - 1;
    return Freeing.allBut(() -> {
      NDArray scale = x.square().mean(new int[] {last}, true).add(epsilon).pow(-0.5);
      return x.mul(scale).mul(weight);
    });
  }

  /** silu(gate)·up. */
  public static NDArray swiGlu(NDArray gate, NDArray up) {
    return Freeing.allBut(() -> gate.mul(gate.getNDArrayInternal().sigmoid()).mul(up));
  }

  /**
   * Rotary positions.
   *
   * @param x [B, T, heads, Dh]
   * @param cosine [T, 1, Dh/2]
   * @param sine [T, 1, Dh/2]
   */
  public static NDArray rope(NDArray x, NDArray cosine, NDArray sine) {
    return Freeing.allBut(() -> {
      NDList halves = x.split(2, 3);
      NDArray low = halves.get(0);
      NDArray high = halves.get(1);
      NDArray first = low.mul(cosine).sub(high.mul(sine));
      NDArray second = high.mul(cosine).add(low.mul(sine));
      return first.concat(second, 3);
    });
  }

  /**
   * Grouped-query attention with a T×S matrix.
   *
   * @param q [B, T, Hq, Dh]
   * @param k [B, S, Hkv, Dh]
   * @param v [B, S, Hkv, Dh]
   * @param mask [T, S] or [B, 1, T, S], 0 where a key is seen and −∞ where not
   * @return [B, T, Hq, Dh]
   */
  public static NDArray attention(NDArray q, NDArray k, NDArray v, NDArray mask) {
    Shape shape = q.getShape();
    long group = shape.get(2) / k.getShape().get(2);
    return Freeing.allBut(() -> {
      NDArray keys = group == 1 ? k : k.repeat(2, group);
      NDArray values = group == 1 ? v : v.repeat(2, group);
      NDArray scores =
          q.transpose(0, 2, 1, 3)
              .mul(1 / Math.sqrt((double) shape.get(3)))
              .matMul(keys.transpose(0, 2, 3, 1))
              .add(mask);
      return scores.softmax(3).matMul(values.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3);
    });
  }

  /** The mask of {@link #attention} by which query t sees keys 0..t+S−T. */
  public static NDArray causalMask(NDManager manager, int queries, int keys) {
    float[] mask = new float[queries * keys];
    for (int t = 0; t < queries; t++) {
      for (int s = t + keys - queries + 1; s < keys; s++) {
        mask[t * keys + s] = Float.NEGATIVE_INFINITY;
      }
    }
    return manager.create(mask, new Shape(queries, keys));
  }

  /**
   * Negative log-likelihoods [N] of targets.
   *
   * @param logits [N, V]
   * @param targets int64 [N, 1], 0 where ignored
   * @param counted [N], 0 where ignored, else 1
   */
  public static NDArray crossEntropy(NDArray logits, NDArray targets, NDArray counted) {
    return Freeing.allBut(
        () -> logits.logSoftmax(1).gather(targets, 1).reshape(-1).mul(counted).neg());
  }

  /** Σ_h KL(Bernoulli(σ(logit_h)) ‖ Bernoulli(½)): [N, H] to [N]. */
  public static NDArray bernoulliKl(NDArray logits) {
    return Freeing.allBut(() -> {
      NDArray p = logits.getNDArrayInternal().sigmoid();
      NDArray logP = logSigmoid(logits);
      NDArray logQ = logSigmoid(logits.neg());
      NDArray perBit = p.mul(logP).add(p.mul(-1).add(1).mul(logQ)).add(Math.log(2));
      return perBit.sum(new int[] {1});
    });
  }

  /**
   * Probabilities of all plans, G [N, 2^H], from logits [N, H].
   *
   * @param bits [2^H, H], bit h of each plan
   */
  public static NDArray planProbabilities(NDArray logits, NDArray bits) {
    return Freeing.allBut(() -> {
      NDArray chosen = logSigmoid(logits).matMul(bits.transpose());
      NDArray others = logSigmoid(logits.neg()).matMul(bits.mul(-1).add(1).transpose());
      return chosen.add(others).exp();
    });
  }

  /** The bits of all plans of {@code count} bits, f32 [2^H, H]. */
  public static NDArray planBits(NDManager manager, int count) {
    int plans = 1 << count;
    float[] bits = new float[plans * count];
    for (int plan = 0; plan < plans; plan++) {
      for (int h = 0; h < count; h++) {
        bits[plan * count + h] = plan >> h & 1;
      }
    }
    return manager.create(bits, new Shape(plans, count));
  }

  /** Drops elements with probability {@code rate} and divides the others by 1 − rate. */
  public static NDArray dropout(NDArray x, float rate) {
    return x.getNDArrayInternal().dropout(x, rate, true).singletonOrThrow();
  }

  /** Plan indices [N] drawn from logits [N, H]; {@code powers} is 2^h, [H]. */
  public static NDArray samplePlans(NDArray logits, NDArray powers) {
    return Freeing.allBut(() -> {
      NDArray p = logits.getNDArrayInternal().sigmoid();
      NDArray uniform = logits.getManager().randomUniform(0, 1, logits.getShape());
      return uniform.lt(p).toType(DataType.FLOAT32, false).matMul(powers);
    });
  }

  /** 2^h for h from 0, f32 [H]: sums of these are exact up to H = 24. */
  public static NDArray powersOfTwo(NDManager manager, int count) {
    float[] powers = new float[count];
    for (int h = 0; h < count; h++) {
      powers[h] = 1 << h;
    }
    return manager.create(powers);
  }

  /** Integers as the int64 that libtorch's indices are. */
  public static NDArray indices(NDManager manager, int[] values, long... dims) {
    return manager.create(values, new Shape(dims)).toType(DataType.INT64, false);
  }

  private static NDArray logSigmoid(NDArray x) {
    return x.neg().getNDArrayInternal().softPlus().neg();
  }
}
