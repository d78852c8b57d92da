package org.freetransformer.tensor.device.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * Matrix products in f32 on a {@link ThreadTeam}, also of operands of 16 bits: C = alpha·A·B, or C
 * += alpha·A·B, for a batch of matrices with any strides. Bits of the result do not depend on the
 * number of threads.
 *
 * <p>Owns the memory into which the team's members pack operands; close it after the last run of
 * anything it prepared. The team stays the caller's.
 */
final class Gemm implements AutoCloseable {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final ThreadTeam team;
  private final Arena arena = Arena.ofShared();
  final GemmScratch[] scratch; // Seen by tests, as SimdDevice's.

  Gemm(ThreadTeam team) {
    this.team = team;
    scratch = new GemmScratch[team.size()];
    for (int i = 0; i < scratch.length; i++) {
      scratch[i] = new GemmScratch(arena);
    }
  }

  /**
   * Prepares a product that can be run any number of times without allocating; each run reads the
   * operands afresh. Only one may run at a time.
   *
   * @param a [batch, m, k]
   * @param b [batch, k, n]
   * @param c [batch, m, n], rows or columns contiguous, not overlapping A, B or itself
   * @param accumulate whether to add to C instead of overwriting it
   * @throws IndexOutOfBoundsException if an operand reaches beyond its memory
   * @throws IllegalArgumentException if C has neither contiguous rows nor contiguous columns
   */
  Kernel prepare(
      GemmShape shape,
      StridedMatrix a,
      StridedMatrix b,
      StridedMatrix c,
      float alpha,
      boolean accumulate) {
    a.check("A", shape.batch(), shape.m(), shape.k());
    b.check("B", shape.batch(), shape.k(), shape.n());
    c.check("C", shape.batch(), shape.m(), shape.n());
    StridedMatrix left = a.normalized(shape.m(), shape.k());
    StridedMatrix right = b.normalized(shape.k(), shape.n());
    StridedMatrix result = c.normalized(shape.m(), shape.n());
    if (shape.isEmpty() || (shape.k() == 0 && accumulate)) {
      return () -> {};
    }
    if (shape.k() == 0) {
      return () -> clear(shape, result);
    }
    if (SkinnyGemm.suitsHalf(shape, left, right, result)) {
      return new SkinnyGemm(team, scratch, shape, left, right, result, alpha, accumulate);
    }
    if (a.isHalf() || b.isHalf() || c.isHalf()) {
      return blocked(shape, left, right, result, alpha, accumulate);
    }
    if (NarrowGemm.suits(shape, left, result)) {
      return new NarrowGemm(team, scratch, shape, left, right, result, alpha, accumulate);
    }
    if (TurnedGemm.suits(shape, right, result)) {
      return new TurnedGemm(team, scratch, shape, left, right, result, alpha, accumulate);
    }
    GemmShape swapped = shape.transposed();
    boolean leftThin = SkinnyGemm.suits(shape, right, result);
    boolean rightThin = SkinnyGemm.suits(swapped, left.transposed(), result.transposed());
    // The thinner side is copied, the other read where it lies.
    boolean leftFirst = leftThin && (!rightThin || shape.m() <= shape.n());
    if (leftFirst && !ShallowGemm.better(shape, shape.m(), left, right, result)) {
      return new SkinnyGemm(team, scratch, shape, left, right, result, alpha, accumulate);
    }
    if (!leftFirst && rightThin && !ShallowGemm.better(shape, shape.n(), left, right, result)) {
      return new SkinnyGemm(
          team,
          scratch,
          swapped,
          right.transposed(),
          left.transposed(),
          result.transposed(),
          alpha,
          accumulate);
    }
    if (ShallowGemm.suits(shape, result)) {
      return new ShallowGemm(team, scratch, shape, left, right, result, alpha, accumulate);
    }
    if (ShallowGemm.suits(swapped, result.transposed())) {
      return new ShallowGemm(
          team,
          scratch,
          swapped,
          right.transposed(),
          left.transposed(),
          result.transposed(),
          alpha,
          accumulate);
    }
    return blocked(shape, left, right, result, alpha, accumulate);
  }

  private Kernel blocked(
      GemmShape shape,
      StridedMatrix a,
      StridedMatrix b,
      StridedMatrix c,
      float alpha,
      boolean accumulate) {
    if (c.columnStride() == 1) {
      GemmBlock block = new GemmBlock(shape, a, b, c, alpha, accumulate);
      return SharedGemm.suits(team, shape, block)
          ? new SharedGemm(team, scratch, shape, block)
          : new BlockedGemm(team, scratch, shape, block);
    }
    if (c.rowStride() == 1) {
      return blocked(
          shape.transposed(), b.transposed(), a.transposed(), c.transposed(), alpha, accumulate);
    }
    throw new IllegalArgumentException(
        "C needs contiguous rows or columns, got row stride %d and column stride %d"
            .formatted(c.rowStride(), c.columnStride()));
  }

  /** Prepares the product with a weight of 8 bits; the same rules hold. */
  Kernel quantized(Instruction.QuantizedLinear op) {
    return new QuantizedLinear(team, scratch, op);
  }

  private static void clear(GemmShape shape, StridedMatrix c) {
    for (int item = 0; item < shape.batch(); item++) {
      for (int i = 0; i < shape.m(); i++) {
        long row = c.start(item) + i * c.rowBytes();
        for (int j = 0; j < shape.n(); j++) {
          c.memory().set(FLOAT, row + j * c.columnBytes(), 0f);
        }
      }
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
