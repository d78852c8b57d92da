package org.freetransformer.tensor;

/** The type of a tensor's elements. */
public enum DType {
  /** IEEE double: exact checks of gradients; every device computes it with plain loops. */
  F64(8, true),
  /** IEEE single: the type that models train in. */
  F32(4, true),
  /** bfloat16: the upper half of a single. */
  BF16(2, true),
  /** IEEE half. */
  F16(2, true),
  /** Signed 32-bit integer: tokens, positions, plan indices. */
  I32(4, false),
  /** Unsigned byte. */
  U8(1, false),
  /** Signed byte: weights in steps of a scale. */
  I8(1, false);

  private final int bytes;
  private final boolean floating;

  DType(int bytes, boolean floating) {
    this.bytes = bytes;
    this.floating = floating;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether elements are floating-point numbers, and so can carry a gradient. */
  public boolean isFloating() {
    return floating;
  }
}
