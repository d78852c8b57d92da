package org.freetransformer.tensor.device.scalar;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.CpuDevice;

/**
 * A buffer's elements as doubles, whatever their type and strides. They are numbered row-major: the
 * index of element (i, j) of shape [I, J] is i·J + j, wherever it lies.
 */
final class Elements {
  private final MemorySegment memory;
  private final DType dtype;
  private final Shape shape;
  private final Positions positions;

  /** Throws IllegalStateException if the buffer's memory was freed. */
  Elements(Buffer buffer) {
    this.memory = CpuDevice.segment(buffer);
    this.dtype = buffer.dtype();
    this.shape = buffer.shape();
    this.positions = new Positions(buffer.layout());
  }

  /** Number of elements. */
  long size() {
    return shape.size();
  }

  /** Size of one dimension; negative axes count from the end. */
  int dim(int axis) {
    return shape.dim(axis);
  }

  /** Length of a row: the last dimension. */
  int columns() {
    return shape.rank() == 0 ? 1 : shape.dim(-1);
  }

  /** Number of rows: the product of all dimensions but the last. */
  int rows() {
    long rows = 1;
    for (int axis = 0; axis < shape.rank() - 1; axis++) {
      rows *= shape.dim(axis);
    }
    return Math.toIntExact(rows);
  }

  double get(long index) {
    return read(positions.of(index));
  }

  /** An element of an integer buffer. */
  int getInt(long index) {
    return (int) get(index);
  }

  void set(long index, double value) {
    write(positions.of(index), value);
  }

  /** Reads {@code count} neighbours along the last axis, from element {@code index} on. */
  void load(long index, double[] into, int count) {
    long start = positions.of(index);
    long stride = positions.lastStride();
    switch (dtype) {
      case F32 -> {
        for (int i = 0; i < count; i++) {
          into[i] = memory.getAtIndex(ValueLayout.JAVA_FLOAT, start + i * stride);
        }
      }
      case F64 -> {
        for (int i = 0; i < count; i++) {
          into[i] = memory.getAtIndex(ValueLayout.JAVA_DOUBLE, start + i * stride);
        }
      }
      case BF16, F16, I32, U8, I8 -> {
        for (int i = 0; i < count; i++) {
          into[i] = read(start + i * stride);
        }
      }
    }
  }

  private double read(long position) {
    return switch (dtype) {
      case F64 -> memory.getAtIndex(ValueLayout.JAVA_DOUBLE, position);
      case F32 -> memory.getAtIndex(ValueLayout.JAVA_FLOAT, position);
      case BF16 -> BFloat16.toFloat(memory.getAtIndex(ValueLayout.JAVA_SHORT, position));
      case F16 -> Float.float16ToFloat(memory.getAtIndex(ValueLayout.JAVA_SHORT, position));
      case I32 -> memory.getAtIndex(ValueLayout.JAVA_INT, position);
      case U8 -> Byte.toUnsignedInt(memory.get(ValueLayout.JAVA_BYTE, position));
      case I8 -> memory.get(ValueLayout.JAVA_BYTE, position);
    };
  }

  private void write(long position, double value) {
    switch (dtype) {
      case F64 -> memory.setAtIndex(ValueLayout.JAVA_DOUBLE, position, value);
      case F32 -> memory.setAtIndex(ValueLayout.JAVA_FLOAT, position, (float) value);
      case BF16 ->
          memory.setAtIndex(ValueLayout.JAVA_SHORT, position, BFloat16.fromFloat((float) value));
      case F16 ->
          memory.setAtIndex(ValueLayout.JAVA_SHORT, position, Float.floatToFloat16((float) value));
      case I32 -> memory.setAtIndex(ValueLayout.JAVA_INT, position, (int) value);
      case U8, I8 -> memory.set(ValueLayout.JAVA_BYTE, position, (byte) (int) value);
    }
  }
}
