package org.freetransformer.nn;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.EmbeddingOp;

/**
 * The keys and values of one block for the tokens seen so far: two tensors [B, S, Hkv, Dh] of fixed
 * capacity S. In memory each head's tokens follow each other, [B, Hkv, S, Dh], for attention reads
 * them head by head. Row (b·Hkv + h)·S + s of these holds head h of token s of batch row b.
 */
public final class KeyValueCache implements AutoCloseable {
  /** A cache row that none is: what goes there is not kept. */
  public static final int NO_ROW = -1;

  private final Tensor keys;
  private final Tensor values;
  private final Resources resources;

  /** An empty cache. */
  public KeyValueCache(Engine engine, int batch, int capacity, int heads, int headSize) {
    Shape shape = Shape.of(batch, heads, capacity, headSize);
    try (Resources parts = new Resources()) {
      keys = parts.add(engine.allocate("key-value cache", DType.F32, shape));
      values = parts.add(engine.allocate("key-value cache", DType.F32, shape));
      resources = parts.keep();
    }
  }

  /** The cache row of head {@code head} of token {@code s} of batch row {@code b}. */
  public static int row(int b, int s, int head, int heads, int capacity) {
    return (b * heads + head) * capacity + s;
  }

  /**
   * Writes new keys and values.
   *
   * @param k [B, T, Hkv, Dh]
   * @param v [B, T, Hkv, Dh]
   * @param slots i32 [B·T·Hkv], the cache row of each
   */
  void append(Tensor k, Tensor v, Tensor slots) {
    EmbeddingOp.scatterRows(rows(k), slots, rows(keys));
    EmbeddingOp.scatterRows(rows(v), slots, rows(values));
  }

  private static Tensor rows(Tensor x) {
    return x.detach().reshape(x.dim(0) * x.dim(1) * x.dim(2), x.dim(3));
  }

  /** [B, S, Hkv, Dh]. */
  Tensor keys() {
    return keys.transpose(1, 2);
  }

  /** [B, S, Hkv, Dh]. */
  Tensor values() {
    return values.transpose(1, 2);
  }

  @Override
  public void close() {
    resources.close();
  }
}
