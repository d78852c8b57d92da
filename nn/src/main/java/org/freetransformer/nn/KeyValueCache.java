package org.freetransformer.nn;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.EmbeddingOp;

/**
 * The keys and values of one block for the tokens seen so far: two tensors [B, S, Hkv, Dh] of fixed
 * capacity S. Row b·S + s holds token s of batch row b.
 */
public final class KeyValueCache implements AutoCloseable {
  private final Tensor keys;
  private final Tensor values;

  /** An empty cache. */
  public KeyValueCache(Engine engine, int batch, int capacity, int heads, int headSize) {
    Shape shape = Shape.of(batch, capacity, heads, headSize);
    keys = engine.allocate("key-value cache", DType.F32, shape);
    values = engine.allocate("key-value cache", DType.F32, shape);
  }

  /**
   * Writes new keys and values.
   *
   * @param k [B, T, Hkv, Dh]
   * @param v [B, T, Hkv, Dh]
   * @param slots i32 [B·T], the cache row of each
   */
  void append(Tensor k, Tensor v, Tensor slots) {
    EmbeddingOp.scatterRows(rows(k), slots, rows(keys));
    EmbeddingOp.scatterRows(rows(v), slots, rows(values));
  }

  private static Tensor rows(Tensor x) {
    return x.detach().reshape(x.dim(0) * x.dim(1), x.dim(2) * x.dim(3));
  }

  Tensor keys() {
    return keys;
  }

  Tensor values() {
    return values;
  }

  @Override
  public void close() {
    keys.close();
    values.close();
  }
}
