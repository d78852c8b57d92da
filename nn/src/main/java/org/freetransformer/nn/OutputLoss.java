package org.freetransformer.nn;

import java.util.function.UnaryOperator;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Backpropagation;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.ops.CrossEntropyOp;
import org.jspecify.annotations.Nullable;

/**
 * The cross-entropies of an output layer's logits. With a large vocabulary, logits are the largest
 * tensor of a training step by far; so they are computed for some positions at a time, and in
 * training their gradient is taken back through the output layer before those of the next positions
 * are computed.
 *
 * @param layer final hidden vectors [.., D] to logits [.., V]
 * @param hidden [B, T, D]
 * @param targets i32 [B, T], {@link CrossEntropyOp#IGNORE_INDEX} where none counts
 * @param rows positions at a time, 1 or more: see {@link #rows(int)}
 */
public record OutputLoss(UnaryOperator<Tensor> layer, Tensor hidden, Tensor targets, int rows) {
  /** 16 MiB in f32: with more, logits would be the most that a step of a small model holds. */
  private static final int ENOUGH_LOGITS = 4 << 20;

  private static final int MOST_LOGITS = 8 << 20;

  /** So many that adding to the weight's gradient piece by piece hardly counts. */
  private static final int ENOUGH_ROWS = 512;

  private static final int FEWEST_ROWS = 64;

  /** The same with as many positions at a time as suit the vocabulary. */
  public static OutputLoss of(
      UnaryOperator<Tensor> layer, int vocabulary, Tensor hidden, Tensor targets) {
    return new OutputLoss(layer, hidden, targets, rows(vocabulary));
  }

  /** 512 positions, or as many as have 4 to 8 million logits, but 64 at least. */
  public static int rows(int vocabulary) {
    int rows = Math.clamp(ENOUGH_ROWS, ENOUGH_LOGITS / vocabulary, MOST_LOGITS / vocabulary);
    return Math.max(FEWEST_ROWS, rows);
  }

  /**
   * The sum of the cross-entropies.
   *
   * @param value shape [], in nats
   * @param wentBack whether the output layer has its gradient already, and {@code value} is outside
   *     the graph
   * @param start where the way back then goes on from, the hidden vectors; null if they want no
   *     gradient, or have yet to get it from {@code value}
   */
  record Sum(Tensor value, boolean wentBack, Backpropagation.@Nullable Start start) {}

  /**
   * The sum of all cross-entropies.
   *
   * @param weight shape [], of the sum in what is minimised: pieces go back at once, so they need
   *     it
   * @param scale shape [], what gradients are multiplied by, or null for 1
   */
  Sum sum(Tensor weight, @Nullable Tensor scale) {
    Engine engine = hidden.engine();
    if (count() <= rows || !engine.gradEnabled()) {
      return new Sum(losses().sum(), false, null);
    }
    Tensor gradient = hidden.requiresGrad() ? engine.full(hidden.dtype(), hidden.shape(), 0) : null;
    Tensor value = inPieces(scale == null ? weight : weight.mul(scale), gradient).sum();
    return new Sum(
        value, true, gradient == null ? null : new Backpropagation.Start(hidden, gradient));
  }

  /**
   * The cross-entropy of every target, [B, T] in nats, 0 where none counts. It is outside the graph
   * if there are more positions than {@code rows}: what trains is a {@link VaeLoss}.
   */
  public Tensor losses() {
    if (count() <= rows) {
      return CrossEntropyOp.crossEntropy(layer.apply(hidden), targets, CrossEntropyOp.IGNORE_INDEX);
    }
    try (Engine.Mode _ = hidden.engine().noGrad()) {
      return inPieces(null, null);
    }
  }

  private int count() {
    return Math.toIntExact(targets.shape().size());
  }

  /** Pieces of nearly equal size. */
  private Tensor inPieces(@Nullable Tensor weight, @Nullable Tensor gradient) {
    Engine engine = hidden.engine();
    int pieces = Math.ceilDiv(count(), rows);
    int most = Math.ceilDiv(count(), pieces);
    Tensor losses =
        engine.empty(hidden.dtype() == DType.F64 ? DType.F64 : DType.F32, targets.shape());
    Tensor each = weight == null ? null : repeated(weight, most);
    for (int start = 0; start < count(); start += most) {
      int length = Math.min(most, count() - start);
      try (Scope _ = engine.scope("activations")) {
        Tensor input = piece(hidden.reshape(count(), hidden.dim(-1)), start, length);
        if (gradient != null) {
          input.requireGrad();
          input.setGrad(piece(gradient.reshape(count(), hidden.dim(-1)), start, length));
        }
        Tensor aims = piece(targets.reshape(count()), start, length);
        Tensor found =
            CrossEntropyOp.crossEntropy(layer.apply(input), aims, CrossEntropyOp.IGNORE_INDEX);
        Tensor place = piece(losses.reshape(count()), start, length);
        engine.emit(new Instruction.Copy(found.buffer(), Output.to(place.buffer())));
        if (each != null && found.requiresGrad()) {
          found.backward(piece(each, 0, length));
        }
      }
    }
    return losses;
  }

  private static Tensor repeated(Tensor weight, int times) {
    try (Engine.Mode _ = weight.engine().noGrad()) {
      return weight.broadcastTo(times).contiguous();
    }
  }

  /** Some rows, cut off from the graph. */
  private static Tensor piece(Tensor all, int start, int length) {
    return all.narrow(0, start, length).detach();
  }
}
