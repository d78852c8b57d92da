package org.freetransformer.tensor.device;

/**
 * What an instruction takes at least.
 *
 * @param flops useful floating-point operations; a multiply-add counts two
 * @param bytes bytes read and written once
 */
public record Cost(long flops, long bytes) {
  /** No cost. */
  public static final Cost ZERO = new Cost(0, 0);

  /** Both together. */
  public Cost plus(Cost other) {
    return new Cost(flops + other.flops, bytes + other.bytes);
  }
}
