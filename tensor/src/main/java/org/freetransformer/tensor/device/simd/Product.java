package org.freetransformer.tensor.device.simd;

/**
 * A batch of matrix products: C = alpha·A·B, or C += alpha·A·B.
 *
 * @param a [batch, m, k]
 * @param b [batch, k, n]
 * @param c [batch, m, n], not overlapping A, B or itself
 * @param accumulate whether to add to C instead of overwriting it
 */
record Product(
    GemmShape shape,
    StridedMatrix a,
    StridedMatrix b,
    StridedMatrix c,
    float alpha,
    boolean accumulate) {

  /** The same as Cᵀ = Bᵀ·Aᵀ. */
  Product transposed() {
    return new Product(
        shape.transposed(), b.transposed(), a.transposed(), c.transposed(), alpha, accumulate);
  }

  /**
   * The same, where strides that are never taken count as contiguous.
   *
   * @throws IndexOutOfBoundsException if an operand reaches beyond its memory
   */
  Product normalized() {
    a.check("A", shape.batch(), shape.m(), shape.k());
    b.check("B", shape.batch(), shape.k(), shape.n());
    c.check("C", shape.batch(), shape.m(), shape.n());
    return new Product(
        shape,
        a.normalized(shape.m(), shape.k()),
        b.normalized(shape.k(), shape.n()),
        c.normalized(shape.m(), shape.n()),
        alpha,
        accumulate);
  }

  /** Whether any operand is of 16 bits. */
  boolean hasHalves() {
    return a.isHalf() || b.isHalf() || c.isHalf();
  }
}
