package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;

/** Negative log-likelihood of target classes. */
public final class CrossEntropyOp {
  /** The target that counts nowhere, as in PyTorch. */
  public static final int IGNORE_INDEX = -100;

  private CrossEntropyOp() {}

  /**
   * Loss of every row in nats: logits [.., V], targets i32 [..], losses [..]. A target equal to
   * {@code ignoreIndex} gives loss 0 and no gradient.
   *
   * @throws IllegalArgumentException if shapes do not fit
   * @throws IndexOutOfBoundsException as it is computed on a CPU, if a target is no class
   */
  public static Tensor crossEntropy(Tensor logits, Tensor targets, int ignoreIndex) {
    Check.floating("crossEntropy", logits);
    Check.integers("crossEntropy targets", targets);
    Check.engine("crossEntropy", logits, targets);
    boolean fits =
        logits.shape().rank() >= 1 && targets.shape().equals(Check.leading(logits.shape()));
    Check.that(fits, "crossEntropy", "shapes must be [.., V] and [..]", logits, targets);
    Engine engine = logits.engine();
    Tensor scores = logits.contiguous();
    Buffer rows = Rows.of("crossEntropy", scores.buffer());
    Buffer classes = Rows.list("crossEntropy", targets.contiguous().buffer());
    Tensor losses = engine.empty(logits.dtype(), targets.shape());
    Tensor lse = engine.empty(Precision.statistics(logits.dtype()), classes.shape());
    engine.emit(
        new Instruction.CrossEntropy(
            rows, classes, ignoreIndex, Rows.list("crossEntropy", losses.buffer()), lse.buffer()));
    return Node.attach(
        losses,
        List.of(scores),
        (dy, gradients) ->
            engine.emit(
                new Instruction.CrossEntropyBackward(
                    rows,
                    classes,
                    ignoreIndex,
                    lse.buffer(),
                    Rows.list("crossEntropy", dy.buffer()),
                    Rows.of("crossEntropy", gradients.into(scores)))));
  }

  /**
   * Mean loss over the targets that count, shape []; NaN if none does. Of 16-bit logits it is f32:
   * in 16 bits, neither the sum nor the number of losses would be right.
   */
  public static Tensor meanCrossEntropy(Tensor logits, Tensor targets, int ignoreIndex) {
    Engine engine = logits.engine();
    DType type = Precision.statistics(logits.dtype());
    Tensor losses = crossEntropy(logits, targets, ignoreIndex).to(type);
    Tensor ignored = engine.full(targets.dtype(), Shape.of(), ignoreIndex);
    Tensor count = targets.notEqual(ignored).to(type).sum();
    return losses.sum().div(count);
  }
}
