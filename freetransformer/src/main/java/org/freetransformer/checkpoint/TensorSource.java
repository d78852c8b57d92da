package org.freetransformer.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.Tensor;

/**
 * A tensor to be written.
 *
 * @param name its name, unique in the file
 * @param type its elements' type
 * @param shape its sizes
 * @param content writes its bytes, little-endian, when its turn comes
 */
public record TensorSource(String name, TensorType type, List<Long> shape, Content content) {

  private static final long CHUNK = 1 << 23;

  /** Writes bytes. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes all bytes, and no more, to a channel that takes them in one go.
     *
     * @throws IOException if the channel cannot be written
     */
    void writeTo(WritableByteChannel channel) throws IOException;
  }

  /** Takes a copy of the shape. */
  public TensorSource {
    shape = List.copyOf(shape);
  }

  /** A tensor whose bytes lie in memory, little-endian, and stay there until written. */
  public static TensorSource of(
      String name, TensorType type, List<Long> shape, MemorySegment bytes) {
    return new TensorSource(
        name,
        type,
        shape,
        channel -> {
          for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
            long length = Math.min(CHUNK, bytes.byteSize() - at);
            channel.write(buffer(bytes.asSlice(at, length)));
          }
        });
  }

  /** A tensor of the engine, or a view of one, as it is when its turn comes. */
  public static TensorSource of(String name, Tensor tensor) {
    TensorType type = TensorType.valueOf(tensor.dtype().name());
    return new TensorSource(
        name,
        type,
        shapeOf(tensor),
        channel -> {
          try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(tensor.buffer().bytes());
            tensor.copyTo(bytes);
            of(name, type, shapeOf(tensor), bytes).content().writeTo(channel);
          }
        });
  }

  static List<Long> shapeOf(Tensor tensor) {
    return Arrays.stream(tensor.shape().toArray()).mapToObj(size -> (long) size).toList();
  }

  /** Off-heap bytes as they are; Java arrays other than of bytes only give copies. */
  private static ByteBuffer buffer(MemorySegment bytes) {
    return bytes.isNative()
        ? bytes.asByteBuffer()
        : ByteBuffer.wrap(bytes.toArray(ValueLayout.JAVA_BYTE));
  }

  /**
   * Bytes it will have in the file.
   *
   * @throws IllegalArgumentException if a size is negative, or the product exceeds 2^63 − 1
   */
  long bytes() {
    try {
      return TensorEntry.bytes(type, shape);
    } catch (ArithmeticException impossible) {
      throw new IllegalArgumentException(
          "tensor '%s' has the impossible shape %s".formatted(name, shape), impossible);
    }
  }
}
