package org.freetransformer.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;

/**
 * Consecutive elements of a tensor, f32, that one of several ranks reads from a file or writes into
 * it: each rank goes to its own places in the same file, so that a file does not show how many
 * wrote it, and any number can read it.
 *
 * @param name the tensor in the file
 * @param shape the whole tensor's sizes in memory
 * @param transposed whether the file holds it with its two axes swapped
 * @param from the first of these elements, counted in memory order
 * @param elements the elements, in one dimension
 */
record ShardedTensor(String name, Shape shape, boolean transposed, long from, Tensor elements) {
  /** Neighbours in the file: where they begin there, and where they are among the elements. */
  @FunctionalInterface
  private interface Run {
    void at(long inFile, long here, long stride, long count) throws IOException;
  }

  /** The whole tensor's sizes in the file. */
  List<Long> storedShape() {
    return transposed
        ? List.of((long) shape.dim(1), (long) shape.dim(0))
        : Arrays.stream(shape.toArray()).mapToObj(size -> (long) size).toList();
  }

  /** Writes the elements to their places behind {@code tensorStart}, a place in the file. */
  void writeTo(FileChannel file, long tensorStart) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(elements.buffer().bytes(), Float.BYTES);
      elements.copyTo(values);
      MemorySegment row = transposed ? arena.allocate(values.byteSize(), Float.BYTES) : values;
      forEachRun((inFile, here, stride, count) -> {
        if (stride > 1) {
          for (long i = 0; i < count; i++) {
            row.setAtIndex(
                ValueLayout.JAVA_FLOAT,
                i,
                values.getAtIndex(ValueLayout.JAVA_FLOAT, here + i * stride));
          }
        }
        long first = stride > 1 ? 0 : here;
        write(file, row.asSlice(4 * first, 4 * count), tensorStart + 4 * inFile);
      });
    }
  }

  private static void write(FileChannel file, MemorySegment bytes, long position)
      throws IOException {
    long chunk = 1 << 26;
    for (long at = 0; at < bytes.byteSize(); at += chunk) {
      var buffer = bytes.asSlice(at, Math.min(chunk, bytes.byteSize() - at)).asByteBuffer();
      while (buffer.hasRemaining()) {
        file.write(buffer, position + at + buffer.position());
      }
    }
  }

  /**
   * Reads the elements from the whole tensor's bytes, mapped: no others are touched.
   *
   * @param tensor f32, little-endian, aligned to nothing
   */
  void readFrom(MemorySegment tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(elements.buffer().bytes(), Float.BYTES);
      forEachRun((inFile, here, stride, count) -> {
        if (stride == 1) {
          MemorySegment.copy(tensor, 4 * inFile, values, 4 * here, 4 * count);
          return;
        }
        for (long i = 0; i < count; i++) {
          values.setAtIndex(
              ValueLayout.JAVA_FLOAT,
              here + i * stride,
              tensor.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * (inFile + i)));
        }
      });
      elements.set(values);
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private void forEachRun(Run run) throws IOException {
    long count = elements.shape().size();
    if (!transposed) {
      run.at(from, 0, 1, count);
      return;
    }
    long rows = shape.dim(0);
    long columns = shape.dim(1);
    for (long column = 0; column < columns; column++) {
      // Those rows r with from <= r * columns + column < from + count.
      long first = Math.max(0, Math.ceilDiv(from - column, columns));
      long end = Math.min(rows, Math.ceilDiv(from + count - column, columns));
      if (first < end) {
        long here = first * columns + column - from;
        run.at(column * rows + first, here, columns, end - first);
      }
    }
  }
}
