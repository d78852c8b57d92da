package org.freetransformer.tensor.ops;

import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Output;

/**
 * Operands as instructions want them: all leading axes as one. More rows than an int counts are
 * refused with the operation's name; the strides must allow the view.
 */
final class Rows {
  private Rows() {}

  /** [.., D] as [N, D]. */
  static Buffer of(String operation, Buffer buffer) {
    int count = Check.leading(buffer.shape()).sizeAsInt(operation);
    return buffer.with(buffer.layout().reshape(Shape.of(count, buffer.dim(-1))));
  }

  /** The same of an output, which adds if that one does. */
  static Output of(String operation, Output output) {
    return new Output(of(operation, output.buffer()), output.accumulate());
  }

  /** [..] as [N]. */
  static Buffer list(String operation, Buffer buffer) {
    return buffer.with(buffer.layout().reshape(Shape.of(buffer.shape().sizeAsInt(operation))));
  }
}
