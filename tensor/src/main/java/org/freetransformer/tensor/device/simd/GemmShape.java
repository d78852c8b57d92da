package org.freetransformer.tensor.device.simd;

/**
 * Sizes of a batch of matrix products: C[m, n] = A[m, k] · B[k, n], {@code batch} times. Any of
 * them may be 0.
 */
record GemmShape(int batch, int m, int n, int k) {
  GemmShape {
    if (batch < 0 || m < 0 || n < 0 || k < 0) {
      throw new IllegalArgumentException(
          "sizes of a matrix product must be at least 0, got batch %d, m %d, n %d, k %d"
              .formatted(batch, m, n, k));
    }
  }

  boolean isEmpty() {
    return batch == 0 || m == 0 || n == 0;
  }

  /** Sizes of Cᵀ = Bᵀ · Aᵀ. */
  GemmShape transposed() {
    return new GemmShape(batch, n, m, k);
  }

  /** Multiply-adds of the whole batch. */
  long multiplyAdds() {
    return (long) batch * m * n * k;
  }
}
