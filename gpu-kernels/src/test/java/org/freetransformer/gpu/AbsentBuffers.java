package org.freetransformer.gpu;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Storage;

/** Operands for tests of lowering, which asks for their places only: no memory is behind them. */
final class AbsentBuffers {
  private record Absent(long bytes) implements Storage {
    @Override
    public boolean isAlive() {
      return true;
    }

    @Override
    public void close() {}
  }

  private AbsentBuffers() {}

  static Buffer buffer(DType type, Layout layout) {
    return new Buffer(new Absent(layout.end() * type.bytes()), type, layout);
  }

  static Buffer buffer(DType type, int rows, int columns) {
    return buffer(type, matrix(rows, columns));
  }

  static Layout matrix(int rows, int columns) {
    return Layout.contiguous(Shape.of(rows, columns));
  }
}
