package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** Conversion between element types. */
public final class CastOp {
  private CastOp() {}

  /** The elements in another type; the gradient comes back in the input's. */
  public static Tensor cast(Tensor x, DType type) {
    if (x.dtype() == type) {
      return x;
    }
    Tensor y = x.engine().empty(type, x.shape());
    x.engine().emit(new Instruction.Copy(x.buffer(), Output.to(y.buffer())));
    if (!type.isFloating()) {
      return y;
    }
    return Node.attach(
        y,
        List.of(x),
        (dy, gradients) -> x.engine().emit(new Instruction.Copy(dy.buffer(), gradients.into(x))));
  }
}
