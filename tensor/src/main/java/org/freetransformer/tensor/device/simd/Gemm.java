package org.freetransformer.tensor.device.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.memory.MemoryPool;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products in f32 on a {@link ThreadTeam}, also of operands of 16 bits: C = alpha·A·B, or C
 * += alpha·A·B, for a batch of matrices with any strides. Bits of the result do not depend on the
 * number of threads.
 *
 * <p>Owns the memory into which the team's members pack operands; close it after the last run of
 * anything it prepared. The team stays the caller's.
 */
final class Gemm implements AutoCloseable {
  private final ThreadTeam team;
  private final Arena arena = Arena.ofShared();
  // Seen by tests, as SimdDevice's.
  final GemmScratch[] scratch;
  MemorySegment wide = MemorySegment.NULL;

  Gemm(ThreadTeam team) {
    this.team = team;
    scratch = new GemmScratch[team.size()];
    try {
      for (int i = 0; i < scratch.length; i++) {
        scratch[i] = new GemmScratch(arena);
      }
    } catch (OutOfMemoryError full) {
      arena.close();
      throw full;
    }
  }

  /**
   * Prepares a product that can be run any number of times without allocating; each run reads the
   * operands afresh. Only one may run at a time.
   *
   * @param given C's rows or columns must be contiguous; k must not be 0
   * @throws IndexOutOfBoundsException if an operand reaches beyond its memory
   * @throws IllegalArgumentException if k is 0, or C has neither contiguous rows nor contiguous
   *     columns
   */
  Kernel prepare(Product given) {
    Product product = given.normalized();
    GemmShape shape = product.shape();
    if (shape.isEmpty()) {
      return () -> {};
    }
    if (shape.k() == 0) {
      throw new IllegalArgumentException("a sum of no products is left to plain loops: " + shape);
    }
    if (SkinnyGemm.suitsHalf(product)) {
      return new SkinnyGemm(team, scratch, product);
    }
    if (WidenedLinear.suits(product)) {
      return widened(product, null);
    }
    if (product.hasHalves()) {
      return blocked(product);
    }
    if (NarrowGemm.suits(product)) {
      return new NarrowGemm(team, scratch, product);
    }
    if (TallGemm.suits(product)) {
      return new TallGemm(team, scratch, product);
    }
    if (OuterGemm.suits(product)) {
      return new OuterGemm(team, scratch, product);
    }
    if (TurnedGemm.suits(product)) {
      return new TurnedGemm(team, scratch, product);
    }
    return thin(product);
  }

  /** Ways for a thin side or a small k, or else the way for large products. */
  private Kernel thin(Product product) {
    Product swapped = product.transposed();
    int m = product.shape().m();
    int n = product.shape().n();
    boolean leftThin = SkinnyGemm.suits(product);
    boolean rightThin = SkinnyGemm.suits(swapped);
    // The thinner side is copied, the other read where it lies.
    boolean leftFirst = leftThin && (!rightThin || m <= n);
    if (leftFirst && !ShallowGemm.better(product, m)) {
      return new SkinnyGemm(team, scratch, product);
    }
    if (!leftFirst && rightThin && !ShallowGemm.better(product, n)) {
      return new SkinnyGemm(team, scratch, swapped);
    }
    if (ShallowGemm.suits(product)) {
      return new ShallowGemm(team, scratch, product);
    }
    return ShallowGemm.suits(swapped) ? new ShallowGemm(team, scratch, swapped) : blocked(product);
  }

  private Kernel blocked(Product product) {
    StridedMatrix c = product.c();
    if (c.columnStride() == 1) {
      GemmShape shape = product.shape();
      GemmBlock block = new GemmBlock(product);
      return SharedGemm.suits(team, shape, block)
          ? new SharedGemm(team, scratch, shape, block)
          : new BlockedGemm(team, scratch, shape, block);
    }
    if (c.rowStride() == 1) {
      return blocked(product.transposed());
    }
    throw new IllegalArgumentException(
        "C needs contiguous rows or columns, got row stride %d and column stride %d"
            .formatted(c.rowStride(), c.columnStride()));
  }

  /** Prepares the product with a weight of 8 bits; the same rules hold. Null for plain loops. */
  @Nullable Kernel quantized(Instruction.QuantizedLinear op) {
    int depth = op.x().dim(1);
    int outputs = op.weight().dim(0);
    Product product =
        new Product(
            new GemmShape(1, op.x().dim(0), outputs, depth),
            new StridedMatrix(Memory.of(op.x()), 0, 0, depth, 1),
            new StridedMatrix(Memory.of(op.weight()), DType.I8, 0, 0, 1, depth),
            new StridedMatrix(Memory.of(op.out().buffer()), 0, 0, outputs, 1),
            1,
            op.out().accumulate());
    if (WidenedLinear.suits(product)) {
      return widened(product, Memory.of(op.scales()));
    }
    return QuantizedLinear.suits(op) ? new QuantizedLinear(team, scratch, op) : null;
  }

  private Kernel widened(Product product, @Nullable MemorySegment scales) {
    long room = WidenedLinear.room(product);
    if (wide.byteSize() < room) {
      wide = arena.allocate(room, MemoryPool.ALIGNMENT);
    }
    return new WidenedLinear(team, this, wide, product, scales);
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
