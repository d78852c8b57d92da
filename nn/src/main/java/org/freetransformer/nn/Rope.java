package org.freetransformer.nn;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.RopeOp;

/** Rotary positions: the angles of every position, computed once and shared by all layers. */
public final class Rope implements AutoCloseable {
  private final Tensor table;

  /** Angles for positions 0 to {@code positions} − 1 of heads of size {@code headSize}. */
  public Rope(Engine engine, int positions, int headSize, double theta) {
    this(engine, positions, RopeOp.frequencies(headSize, theta));
  }

  /** Angles for positions 0 to {@code positions} − 1, at so many radians per position a pair. */
  public Rope(Engine engine, int positions, double... frequencies) {
    MemorySegment angles = MemorySegment.ofArray(RopeOp.table(positions, frequencies));
    Shape shape = Shape.of(positions, 2 * frequencies.length);
    table = engine.filled("rope", DType.F32, shape, memory -> memory.copyFrom(angles));
  }

  /** x [B, T, heads, Dh] turned to its positions, i32 [T] or [B, T]. */
  public Tensor forward(Tensor x, Tensor positions) {
    return RopeOp.rope(x, positions, table);
  }

  @Override
  public void close() {
    table.close();
  }
}
