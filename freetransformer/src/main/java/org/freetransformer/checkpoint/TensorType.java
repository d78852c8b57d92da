package org.freetransformer.checkpoint;

import java.util.Arrays;
import java.util.Optional;

/** The element types of a safetensors file, under their names there. */
public enum TensorType {
  /** IEEE double. */
  F64(8),
  /** IEEE single. */
  F32(4),
  /** IEEE half. */
  F16(2),
  /** The upper half of an IEEE single. */
  BF16(2),
  /** Eight-bit float, 4 exponent and 3 mantissa bits. */
  F8_E4M3(1),
  /** Eight-bit float, 5 exponent and 2 mantissa bits. */
  F8_E5M2(1),
  /** Signed 64-bit. */
  I64(8),
  /** Signed 32-bit. */
  I32(4),
  /** Signed 16-bit. */
  I16(2),
  /** Signed 8-bit. */
  I8(1),
  /** Unsigned 64-bit. */
  U64(8),
  /** Unsigned 32-bit. */
  U32(4),
  /** Unsigned 16-bit. */
  U16(2),
  /** Unsigned 8-bit. */
  U8(1),
  /** One byte, 0 or 1. */
  BOOL(1);

  private final int bytes;

  TensorType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** The type of a name as it stands in a file. */
  static Optional<TensorType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }
}
